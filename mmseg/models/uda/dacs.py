"""Self-training: DACS, DAFormer and DIDA in one step.

Legend: B images, C classes, D embedding channels, H×W the crop, h×w = H/4×W/4.
"""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any, ClassVar, cast

import torch
from torch import nn

from mmseg.core.adaptation import AdaptationMethod
from mmseg.core.optimizer_step import OptimizerStep
from mmseg.core.precision import Precision
from mmseg.models.builder import UDA, build_segmentor
from mmseg.models.segmentors import EncoderDecoder
from mmseg.utils.distributed import mean_over_processes, rank
from mmseg.utils.errors import UserError
from mmseg.utils.overrides import RefusesOverrides, has_own
from mmseg.utils.seed import layers_draw_from

from .augmentation import ViewSettings, draw_view
from .base import Losses, Step, Term, build_terms, with_more
from .class_mixing import choose_classes, class_mask, mix
from .instance_bank import InstanceBank
from .instance_level import InstanceLevel
from .masked_consistency import MaskedConsistency
from .settings import (
    block_settings,
    check_has_target,
    check_pair,
    check_ways,
    checked_pseudo_labels,
    expect,
)
from .teacher import EMATeacher

ImgMetas = Sequence[Mapping[str, Any]]


@UDA.register_module()
class DACS(RefusesOverrides, AdaptationMethod):
    """Adapts a segmentor to unlabelled target images.

    DACS (Tranheden et al., WACV 2021) is the step; what others add to it are its terms: DAFormer's
    feature distance (Hoyer et al., CVPR 2022), DIDA's instance level (Yao and Li, ICCV-W 2023), the
    masked consistency of MIC (Hoyer et al., CVPR 2023), and whatever `terms` names. `instance=None`
    is DAFormer.

    Args:
        model: Config of the segmentor that is adapted.
        seed: What the step's draws derive from.
        alpha: Upper bound of the teacher's momentum.
        pseudo_threshold: Probability from which a pseudo label counts as confident.
        pseudo_temperature: What the teacher's logits are divided by before they become
            probabilities: the temperature that `tools/calibrate.py` prints, where the threshold is
            to be one of calibrated probabilities.
        pseudo_weight_ignore_top: Rows of the target crop's top without a pseudo label.
        pseudo_weight_ignore_bottom: The same for its bottom.
        imnet_feature_dist_lambda: λ_FD; 0 switches the feature distance off, as do missing
            ImageNet weights.
        imnet_feature_dist_classes: Train ids it looks at; all where None.
        imnet_feature_dist_scale_min_ratio: Share of a cell that must agree on a class.
        mix: 'class', the only kind of mixing.
        blur: Whether views are blurred.
        color_jitter_strength: Strength of the views' colour jitter.
        color_jitter_probability: A view is jittered when a uniform draw exceeds this, as published.
        debug_img_interval: Iterations between debug panels; read by the training loop's hook.
        print_grad_magnitude: Whether the norms of the gradients are logged.
        instance: Settings of `InstanceLevel`; None is DAFormer.
        source_only: Whether to train on the source alone, without pseudo labels and mixing.
        mask_mode: The mode of `MaskedConsistency`; None is without.
        mask_alpha: Its `alpha`.
        mask_pseudo_threshold: Its `pseudo_threshold`.
        mask_lambda: Its `loss_weight`.
        mask_generator: `dict(type='block', mask_ratio=…, mask_block_size=…)`, its further settings.
        terms: Further terms, each `dict(type=…, …)` of the registry `TERMS`, asked after these.

    Attributes:
        terms: All terms by name, in the order in which they are asked.
    """

    NEVER_CALLED: ClassVar[Mapping[str, str]] = {
        '_init_ema_weights': 'the teacher is an EMATeacher, whose update copies at iteration 0',
        '_update_ema': 'put an EMATeacher with an update of your own in place of self.teacher',
        'calc_feat_dist': 'write a Term with source_losses of your own, and name it in uda.terms',
        'masked_feat_dist': 'write a Term with source_losses of your own, and name it in uda.terms',
    }

    precision: Precision
    optimizer_step: OptimizerStep
    model: EncoderDecoder
    ema_model: EncoderDecoder
    _networks: Mapping[str, nn.Module] = {}

    def __init__(
        self,
        model: Mapping[str, Any],
        seed: int = 0,
        alpha: float = 0.999,
        pseudo_threshold: float = 0.968,
        pseudo_temperature: float = 1.0,
        pseudo_weight_ignore_top: int = 0,
        pseudo_weight_ignore_bottom: int = 0,
        imnet_feature_dist_lambda: float = 0.0,
        imnet_feature_dist_classes: Sequence[int] | None = None,
        imnet_feature_dist_scale_min_ratio: float | None = None,
        mix: str = 'class',
        blur: bool = True,
        color_jitter_strength: float = 0.2,
        color_jitter_probability: float = 0.2,
        debug_img_interval: int = 1000,
        print_grad_magnitude: bool = False,
        instance: Mapping[str, Any] | None = None,
        source_only: bool = False,
        mask_mode: str | None = None,
        mask_alpha: float | str = 'same',
        mask_pseudo_threshold: float | str | None = 'same',
        mask_lambda: float = 1.0,
        mask_generator: Mapping[str, Any] | None = None,
        terms: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        super().__init__()
        expect(mix == 'class', 'mix', "'class'", mix)
        expect(0 <= alpha < 1, 'alpha', 'a momentum in [0, 1)', alpha)
        self.model = build_segmentor(model)
        check_ways(self.model)
        self.teacher = EMATeacher(self.model, alpha)
        self.ema_model = cast(EncoderDecoder, self.teacher.model)
        self.seed = seed
        self.pseudo_label_settings = checked_pseudo_labels(
            pseudo_threshold,
            pseudo_weight_ignore_top,
            pseudo_weight_ignore_bottom,
            pseudo_temperature,
        )
        self.view = ViewSettings(color_jitter_strength, color_jitter_probability, blur)
        self.debug_img_interval = debug_img_interval
        self.print_grad_magnitude = print_grad_magnitude
        self.precision = Precision()
        self.optimizer_step = OptimizerStep()
        self.source_only = source_only
        configs = [dict(term) for term in terms]
        if mask_mode is not None:
            masking = {
                'mode': mask_mode,
                'alpha': mask_alpha,
                'pseudo_threshold': mask_pseudo_threshold,
                'loss_weight': mask_lambda,
            }
            blocks = block_settings(mask_generator)
            configs.insert(0, {'type': 'MaskedConsistency', **masking, **blocks})
        if instance is not None:
            configs.insert(0, {'type': 'InstanceLevel', **instance})
        if imnet_feature_dist_lambda or 'FeatureDistance' not in [c.get('type') for c in configs]:
            distance = {
                'type': 'FeatureDistance',
                'weight': imnet_feature_dist_lambda,
                'classes': imnet_feature_dist_classes,
                'min_ratio': imnet_feature_dist_scale_min_ratio,
            }
            configs.insert(0, distance)
        built = build_terms(configs, self.model, taken=dir(self), source_only=source_only)
        self.terms = {term.name: term for term in built}
        looks = any(isinstance(term, InstanceLevel) and term.masked for term in built)
        shown = any(isinstance(term, MaskedConsistency) and term.masks_targets for term in built)
        expected = "False without uda.mask_mode='separatetrg' or 'separatetrgaug'"
        expect(shown or not looks, 'instance.masked', expected, looks)
        self._register_networks()
        for name, term in self.terms.items():
            self.add_module(name, term)

    @property
    def bank(self) -> InstanceBank | None:
        """The instance bank, if there is an instance level."""
        levels = (term for term in self.terms.values() if isinstance(term, InstanceLevel))
        return next((level.bank for level in levels), None)

    def get_model(self) -> EncoderDecoder:
        """Return the student."""
        return self.model

    def get_ema_model(self) -> EncoderDecoder:
        """Return the teacher."""
        return self.ema_model

    def init_weights(self) -> None:
        """Initialise the student, and what terms make of its first weights."""
        self.model.init_weights()
        for term in self.terms.values():
            term.init_weights(self.model)
        self._register_networks()

    def match_state(self, state_dict: Mapping[str, torch.Tensor]) -> None:
        """Let the terms get ready for the state that a run is to go on from."""
        for term in self.terms.values():
            term.match_state(state_dict)
        self._register_networks()

    def _register_networks(self) -> None:
        """Hold the frozen networks of the terms, under the names that checkpoints give them."""
        networks = {k: v for term in self.terms.values() for k, v in term.networks().items()}
        for name in self._networks.keys() - networks.keys():
            delattr(self, name)
        for name, network in networks.items():
            setattr(self, name, network)
        self._networks = networks

    def train(self, mode: bool = True) -> 'DACS':
        """Set the mode of the student; the other networks have one mode for training."""
        super().train(mode)
        if mode:
            self.teacher.set_mode(self.model)
        for network in self._networks.values():
            network.eval()
        return self

    def train_step(
        self, data_batch: Mapping[str, Any], optimizer: torch.optim.Optimizer, **kwargs: Any
    ) -> dict[str, Any]:
        """Learn from one batch of source and target images; `optimizer_step` takes the step.

        Args:
            data_batch: Arguments of `forward_train`.
            optimizer: Optimizer of the student's parameters.
            **kwargs: Unused; part of the runner's interface.

        Returns:
            'log_vars' (losses, accuracies, shares; numbers that wait for the device only when
            they are read), 'num_samples', and 'has_stepped': whether loss and gradients were
            finite, without which there is no step.
        """
        step = self.optimizer_step
        step.start(optimizer)
        _, numbers = self.model._parse_losses(self(**data_batch))
        has_stepped = step.finish(optimizer, numbers.tensor('loss'), self.precision)
        if step.grad_norm is not None:
            numbers = numbers.plus('grad_norm', step.grad_norm)
        return {
            'log_vars': numbers,
            'num_samples': len(data_batch['img_metas']),
            'has_stepped': has_stepped,
        }

    def forward(
        self, img: Any, img_metas: Any, return_loss: bool = True, **kwargs: Any
    ) -> dict[str, torch.Tensor] | list[Any]:
        """Call `forward_train` or, without `return_loss`, the student's `forward`."""
        if not return_loss:
            return self.model(img, img_metas, return_loss=False, **kwargs)
        check_has_target(kwargs)
        return self.forward_train(img, img_metas, **kwargs)

    def forward_train(
        self,
        img: torch.Tensor,
        img_metas: ImgMetas,
        gt_semantic_seg: torch.Tensor,
        target_img: torch.Tensor,
        target_img_metas: ImgMetas,
        valid_pseudo_mask: torch.Tensor | None = None,
    ) -> dict[str, torch.Tensor]:
        """Take the training step's backward passes, in the order of the paper.

        Args:
            img: Normalised source images (B, K, H, W).
            img_metas: Facts about them; the normalisation is read.
            gt_semantic_seg: Source labels (B, 1, H, W).
            target_img: Normalised target images (B, K, H, W).
            target_img_metas: Facts about them; what they say is padding gets no pseudo label.
            valid_pseudo_mask: Where target images may have pseudo labels (B, 1, H, W), 1 or 0.

        Returns:
            Detached values to log, by name.

        Raises:
            UserError: Source and target images differ in size.
        """
        check_pair(img, target_img)
        settings = self.pseudo_label_settings
        expect(
            valid_pseudo_mask is None or not (settings.ignore_top or settings.ignore_bottom),
            'pseudo_weight_ignore_top and _bottom',
            '0 beside data.train.target.crop_pseudo_margins, which says the same',
            (settings.ignore_top, settings.ignore_bottom),
        )
        step = self._step(img, img_metas, gt_semantic_seg, target_img, target_img_metas)
        step.target_valid = valid_pseudo_mask
        terms = self.terms.values()
        self.teacher.update(self.model, step.cumulative_iters)
        for term in terms:
            term.start(step)

        passing = [term for term in terms if has_own(term, Term, 'own_pass')]
        log_vars = self._learn_source(step, is_last=self.source_only and not passing)
        if not self.source_only:
            log_vars |= self._learn_target(step, is_last=not passing)
        for term in passing:
            log_vars = with_more(log_vars, self._learn_own(step, term, term is passing[-1]), term)
        if self.capture_panels and not self.source_only:
            self.panels = _panels(step)
        return log_vars

    def _learn_target(self, step: Step, is_last: bool) -> Losses:
        """Learn from target images by pseudo labels and class mixing; return what to log."""
        terms = self.terms.values()
        step.weak_img = step.target_img
        for term in terms:
            step.weak_img = term.weak_view(step, step.weak_img)
        step.weak = step.ask(self.ema_model, step.weak_img)
        step.probs = step.weak.probs
        for term in terms:
            step.probs = term.adjust_probs(step, step.probs)
        step.pseudo_label, step.pseudo_weight = step.pseudo_labels(step.probs)

        chosen = choose_classes(step.labels, step.draws('mixed classes'))
        step.mask = class_mask(step.labels, chosen)
        mixed_img = mix(step.mask, step.img, step.target_img)
        step.mixed_img = draw_view(mixed_img, *step.norm, self.view, step.draws('mixed view'))
        step.mixed_label = mix(step.mask, step.labels, step.pseudo_label[:, None])
        step.target_weight = step.pseudo_weight[:, None].masked_fill(step.mask, 0)

        log_vars = self._learn_mixed(step, is_last)
        return {**log_vars, 'pseudo_weight': step.pseudo_weight.max()}

    def try_source(self, img: torch.Tensor, img_metas: ImgMetas, labels: torch.Tensor) -> None:
        """Measure what the source's pass is to be differentiated by, without learning."""
        step = self._step(img, img_metas, labels, img, img_metas)
        self._source_losses(step)

    def _step(
        self,
        img: torch.Tensor,
        img_metas: ImgMetas,
        labels: torch.Tensor,
        target_img: torch.Tensor,
        target_img_metas: ImgMetas,
    ) -> Step:
        return Step(
            iteration=self.teacher.num_updates,
            seed=self.seed,
            cumulative_iters=self.optimizer_step.cumulative_iters,
            student=self.model,
            teacher=self.ema_model,
            precision=self.precision,
            view=self.view,
            labelling=self.pseudo_label_settings,
            img=img,
            img_metas=img_metas,
            labels=labels,
            target_img=target_img,
            target_img_metas=target_img_metas,
            source_only=self.source_only,
            terms=[*self.terms.values()],
        )

    def _learn_source(self, step: Step, is_last: bool) -> Losses:
        """Learn from labelled images: L_S and what terms add; return what to log."""
        with nullcontext() if is_last else self.model.local_gradients():
            losses, embedding = self._source_losses(step)
            log_vars = self._backward(losses, 'source')
        embedding = None if embedding is None else embedding.detach()
        for term in self.terms.values():
            term.observe_source(step, embedding)
        return log_vars

    def _source_losses(self, step: Step) -> tuple[Losses, torch.Tensor | None]:
        losses, source = step.measure(step.img, step.labels)
        for term in self.terms.values():
            losses = with_more(losses, term.source_losses(step, source), term)
        if step.looks_at_detail and source.detail is not None:
            assert source.detail.embedding is not None
            step.source_detail = source.detail.embedding.detach(), source.detail.box
        return losses, source.embedding

    def _learn_mixed(self, step: Step, is_last: bool) -> Losses:
        """Learn from mixed images: L_T and what terms add; return what to log."""
        with nullcontext() if is_last else self.model.local_gradients():
            weight = (step.target_weight + step.mask)[:, 0]
            values, mixed = step.measure(step.mixed_img, step.mixed_label, weight, 'mixed')
            losses = {f'mix.{name}': value for name, value in values.items()}
            for term in self.terms.values():
                losses = with_more(losses, term.mixed_losses(step, mixed), term)
            return self._backward(losses, 'mixed')

    def _learn_own(self, step: Step, term: Term, is_last: bool) -> Losses:
        """Learn from what a term passes through the student; return what to log."""
        keys = (step.seed, step.iteration, rank())
        layers = layers_draw_from(step.img.device, f'dropout of {term.name}', *keys)
        with nullcontext() if is_last else self.model.local_gradients(), layers:
            losses = term.own_pass(step)
            if not any('loss' in name for name in losses):
                raise UserError(
                    f'the term {term.name} gave no loss of its own pass, but {sorted(losses)}: '
                    'give one in every iteration, 0 times one where it is to count for nothing'
                )
            return self._backward(losses, term.name)

    def _backward(self, losses: Losses, part: str) -> Losses:
        """Add the losses' gradients to the student's; return the values to log."""
        parts = [value for name, value in losses.items() if 'loss' in name]
        self.precision.backward(self.optimizer_step.share(torch.stack(parts).sum()))
        log_vars = {name: value.detach() for name, value in losses.items()}
        if self.print_grad_magnitude:
            learning = (p.grad for p in self.model.parameters() if p.grad is not None)
            norms = torch.stack(torch._foreach_norm([*map(mean_over_processes, learning)]))
            norm = self.precision.without_scale(torch.linalg.vector_norm(norms))
            log_vars[f'grad_norm_after_{part}'] = norm
        return log_vars


def _panels(step: Step) -> dict[str, torch.Tensor]:
    """Return, on the CPU, what shows a step to people."""
    panels = {
        'source': step.img,
        'target': step.target_img,
        'weak': step.weak_img,
        'mixed': step.mixed_img,
        'source_label': step.labels,
        'pseudo_label': step.pseudo_label,
        'mixed_label': step.mixed_label,
        'pseudo_weight': step.pseudo_weight,
    }
    return {name: tensor.detach().cpu() for name, tensor in panels.items()}
