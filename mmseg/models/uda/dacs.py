"""Self-training: DACS, DAFormer and DIDA in one step.

Legend: B images, C classes, D embedding channels, H×W the crop, h×w = H/4×W/4.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, cast

import torch
from torch import nn

from mmseg.core.adaptation import AdaptationMethod
from mmseg.core.building import call_checked
from mmseg.core.optimizer_step import OptimizerStep
from mmseg.core.precision import Precision
from mmseg.models.builder import UDA, build_segmentor
from mmseg.utils.distributed import mean_over_processes
from mmseg.utils.overrides import RefusesOverrides
from mmseg.utils.seed import torch_generator

from .augmentation import ViewSettings, draw_view, normalisation_of
from .class_mixing import choose_classes, class_mask, mix
from .frozen_network import WithFeatureDistance
from .instance_bank import InstanceBank
from .instance_level import InstanceLevel
from .pseudo_labels import inside_images, pseudo_labels
from .settings import (
    check_form,
    check_has_target,
    check_pair,
    check_ways,
    checked_pseudo_labels,
    expect,
)
from .teacher import EMATeacher

ImgMetas = Sequence[Mapping[str, Any]]


@UDA.register_module()
class DACS(RefusesOverrides, WithFeatureDistance, AdaptationMethod):
    """Adapts a segmentor to unlabelled target images.

    DACS (Tranheden et al., WACV 2021) with DAFormer's feature distance (Hoyer et al., CVPR 2022)
    and DIDA's instance level (Yao and Li, ICCV-W 2023); `instance=None` is DAFormer.

    Args:
        model: Config of the segmentor that is adapted.
        seed: What the step's draws derive from.
        alpha: Upper bound of the teacher's momentum.
        pseudo_threshold: Probability from which a pseudo label counts as confident.
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
    """

    NEVER_CALLED: ClassVar[Mapping[str, str]] = {
        '_init_ema_weights': 'the teacher is an EMATeacher, whose update copies at iteration 0',
        '_update_ema': 'put an EMATeacher with an update of your own in place of self.teacher',
        'calc_feat_dist': 'put a module of your own in place of self.feature_distance',
        'masked_feat_dist': 'put a module of your own in place of self.feature_distance',
    }

    precision: Precision
    optimizer_step: OptimizerStep

    def __init__(
        self,
        model: Mapping[str, Any],
        seed: int = 0,
        alpha: float = 0.999,
        pseudo_threshold: float = 0.968,
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
    ) -> None:
        super().__init__()
        expect(mix == 'class', 'mix', "'class'", mix)
        expect(0 <= alpha < 1, 'alpha', 'a momentum in [0, 1)', alpha)
        self.model = cast(Any, build_segmentor(model))
        check_ways(self.model)
        self.teacher = EMATeacher(self.model, alpha)
        self.ema_model = cast(Any, self.teacher.model)
        num_classes = self.model.num_classes
        self.set_up_feature_distance(
            model,
            imnet_feature_dist_lambda,
            imnet_feature_dist_classes,
            imnet_feature_dist_scale_min_ratio,
        )
        self.instance = None
        if instance is not None:
            sizes = {'dim': self.model.embed_channels, 'num_classes': num_classes}
            self.instance = call_checked(InstanceLevel, {**sizes, **instance})
            check_form(self.instance.similarity.form, self.model.decode_head)
        self.seed = seed
        self.pseudo_label_settings = checked_pseudo_labels(
            pseudo_threshold, pseudo_weight_ignore_top, pseudo_weight_ignore_bottom
        )
        self.view = ViewSettings(color_jitter_strength, color_jitter_probability, blur)
        self.debug_img_interval = debug_img_interval
        self.print_grad_magnitude = print_grad_magnitude
        self.precision = Precision()
        self.optimizer_step = OptimizerStep()

    @property
    def bank(self) -> InstanceBank | None:
        """The instance bank, if there is an instance level."""
        return None if self.instance is None else self.instance.bank

    def get_model(self) -> nn.Module:
        """Return the student."""
        return self.model

    def get_ema_model(self) -> nn.Module:
        """Return the teacher."""
        return self.ema_model

    def init_weights(self) -> None:
        """Initialise the student, and the frozen network with the same weights.

        Weights of the model zoo may turn out not to be had: then there is no feature distance.
        """
        self.model.init_weights()
        self.start_feature_distance()

    def train(self, mode: bool = True) -> 'DACS':
        """Set the mode of the student; the other networks have one mode for training."""
        super().train(mode)
        if mode:
            self.teacher.set_mode(self.model)
        if self.feature_distance is not None:
            self.imnet_model.eval()
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
    ) -> dict[str, torch.Tensor]:
        """Take the training step's two backward passes, in the order of the paper.

        Args:
            img: Normalised source images (B, K, H, W).
            img_metas: Facts about them; the normalisation is read.
            gt_semantic_seg: Source labels (B, 1, H, W).
            target_img: Normalised target images (B, K, H, W).
            target_img_metas: Facts about them; what they say is padding gets no pseudo label.

        Returns:
            Detached values to log, by name.

        Raises:
            UserError: Source and target images differ in size.
        """
        check_pair(img, target_img)
        iteration = self.teacher.num_updates
        self.teacher.update(self.model, self.optimizer_step.cumulative_iters)

        with self.model.local_gradients():
            log_vars, embedding = self._learn_source(img, gt_semantic_seg)
        if self.instance is not None:
            self.instance.observe(embedding, gt_semantic_seg, iteration)
        del embedding

        norm = normalisation_of(img_metas)
        weak_img = target_img
        if self.instance is not None:
            weak_img = draw_view(target_img, *norm, self.view, self._draws('weak view', iteration))
        probs, weak_embedding = self._ask_teacher(weak_img)
        smoothed = probs if self.instance is None else self.instance.smooth(probs, weak_embedding)
        inside = inside_images(target_img_metas, target_img)
        pseudo_label, pseudo_weight = pseudo_labels(smoothed, *self.pseudo_label_settings, inside)

        chosen = choose_classes(gt_semantic_seg, self._draws('mixed classes', iteration))
        mask = class_mask(gt_semantic_seg, chosen)
        mixed_img = mix(mask, img, target_img)
        mixed_img = draw_view(mixed_img, *norm, self.view, self._draws('mixed view', iteration))
        mixed_label = mix(mask, gt_semantic_seg, pseudo_label[:, None])
        target_weight = pseudo_weight[:, None].masked_fill(mask, 0)
        log_vars |= self._learn_mixed(
            mixed_img, mixed_label, mask, target_weight, probs, weak_embedding
        )

        log_vars['pseudo_weight'] = pseudo_weight.max()
        if self.capture_panels:
            self.panels = _on_cpu(
                source=img,
                target=target_img,
                weak=weak_img,
                mixed=mixed_img,
                source_label=gt_semantic_seg,
                pseudo_label=pseudo_label,
                mixed_label=mixed_label,
                pseudo_weight=pseudo_weight,
            )
        return log_vars

    def try_source(self, img: torch.Tensor, img_metas: ImgMetas, labels: torch.Tensor) -> None:
        """Measure L_S and L_FD, without learning."""
        self._source_losses(img, labels)

    def _draws(self, part: str, iteration: int) -> torch.Generator:
        """Return the generator of one part of a step, the same on all processes."""
        return torch_generator(part, self.seed, iteration)

    def _learn_source(
        self, img: torch.Tensor, labels: torch.Tensor
    ) -> tuple[dict[str, torch.Tensor], torch.Tensor | None]:
        """Learn from labelled images: L_S + L_FD; return what to log and the embedding."""
        losses, embedding = self._source_losses(img, labels)
        log_vars = self._backward(losses, 'source')
        return log_vars, None if self.instance is None else embedding.detach()

    def _source_losses(
        self, img: torch.Tensor, labels: torch.Tensor
    ) -> tuple[dict[str, torch.Tensor], Any]:
        with self.precision.autocast():
            embedded = self.model.forward_embedding(img)
            losses = self.model.losses(embedded, labels)
            if self.feature_distance is not None:
                losses['src.loss_imnet_feat_dist'] = self.feature_distance(
                    img, embedded.features, labels
                )
        return losses, embedded.embedding

    @torch.no_grad()
    def _ask_teacher(self, img: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return the teacher's class probabilities (B, C, H, W) and embedding (B, D, h, w)."""
        with self.precision.autocast():
            embedded = self.ema_model.forward_embedding(img)
        return embedded.logits.float().softmax(dim=1), embedded.embedding

    def _learn_mixed(
        self,
        img: torch.Tensor,
        labels: torch.Tensor,
        mask: torch.Tensor,
        target_weight: torch.Tensor,
        probs: torch.Tensor,
        weak_embedding: torch.Tensor | None,
    ) -> dict[str, torch.Tensor]:
        """Learn from mixed images: L_T + L_I."""
        with self.precision.autocast():
            embedded = self.model.forward_embedding(img)
            values = self.model.losses(embedded, labels, (target_weight + mask)[:, 0])
        losses = {f'mix.{name}': value for name, value in values.items()}
        if self.instance is not None:
            loss = self.instance.loss(weak_embedding, embedded.embedding, probs, target_weight)
            if loss is not None:
                losses['mix.loss_instance'] = loss
        return self._backward(losses, 'mixed')

    def _backward(self, losses: dict[str, torch.Tensor], part: str) -> dict[str, torch.Tensor]:
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


def _on_cpu(**tensors: torch.Tensor) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().cpu() for name, tensor in tensors.items()}
