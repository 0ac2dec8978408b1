"""DIDA's training step as docs/method.md reads, without a thought for time or memory.

It stands for published practice: every loss has a backward pass of its own, embeddings are brought
to the size of the labels before anything is done with them, and each formula makes its tensors at
full size, in float32. Networks, views and draws are those of `DACS`, so that both take the same
step. Loops over single pixels, which the published code has as well, are left out.

B images, C classes, N bank entries, D embedding channels, H×W the crop, h×w the embedding.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from mmseg.core.adaptation import AdaptationMethod
from mmseg.models.segmentors.encoder_decoder import Embedded
from mmseg.models.uda import DACS, InstanceBank
from mmseg.models.uda.augmentation import draw_view
from mmseg.models.uda.class_mixing import choose_classes
from mmseg.models.uda.interaction import instance_loss, smooth_probs
from mmseg.models.uda.teacher import ema_momentum
from mmseg.utils.errors import UserError
from mmseg.utils.seed import torch_generator

IGNORE_INDEX = 255


class NaiveDIDA(AdaptationMethod):
    """Takes `DACS`'s training step the plain way.

    Args:
        dacs: Networks, bank and settings.

    Raises:
        UserError: Class vectors of another kind than 'mean' are asked for.
    """

    def __init__(self, dacs: DACS) -> None:
        super().__init__()
        self.dacs = dacs
        if unknown := dacs.terms.keys() - {'feature_distance', 'instance'}:
            raise UserError(f'the naive step knows none of the terms {sorted(unknown)}')
        if self.level is not None and self.level.vectors != 'mean':
            raise UserError("the naive step knows uda.instance.vectors='mean' alone")

    @property
    def level(self) -> Any:
        """The instance level, if there is one."""
        return self.dacs.terms.get('instance')

    @property
    def bank(self) -> InstanceBank | None:
        """The instance bank, if there is an instance level."""
        return self.dacs.bank

    def get_model(self) -> nn.Module:
        """Return the student."""
        return self.dacs.model

    def train_step(
        self, data_batch: Mapping[str, Any], optimizer: torch.optim.Optimizer, **kwargs: Any
    ) -> dict[str, Any]:
        """Do one optimizer step; arguments and results are those of `DACS.train_step`."""
        optimizer.zero_grad()
        losses = self.learn(**data_batch)
        optimizer.step()
        log_vars = {name: value.item() for name, value in losses.items()}
        return {'log_vars': log_vars, 'num_samples': len(data_batch['img_metas'])}

    def learn(
        self,
        img: torch.Tensor,
        img_metas: Sequence[Mapping[str, Any]],
        gt_semantic_seg: torch.Tensor,
        target_img: torch.Tensor,
        target_img_metas: Sequence[Mapping[str, Any]],
        valid_pseudo_mask: torch.Tensor | None = None,
    ) -> dict[str, torch.Tensor]:
        """Take the step's backward passes; arguments are those of `DACS.forward_train`."""
        dacs, iteration = self.dacs, self.dacs.teacher.num_updates
        self.update_teacher(iteration)
        losses, embedding = self.learn_source(img, gt_semantic_seg, iteration)
        if self.level is not None:
            self.observe(embedding, gt_semantic_seg, iteration)

        norm = [torch.as_tensor(img_metas[0]['img_norm_cfg'][key]) for key in ('mean', 'std')]
        weak_img = target_img
        if self.level is not None:
            weak_img = draw_view(target_img, *norm, dacs.view, self.draws('weak view', iteration))
        probs, weak_embedding = self.ask_teacher(weak_img)
        label, weight = self.pseudo_labels(self.smooth(probs, weak_embedding), target_img_metas)
        if valid_pseudo_mask is not None:
            weight = weight * valid_pseudo_mask[:, 0]

        chosen = choose_classes(gt_semantic_seg, self.draws('mixed classes', iteration))
        mask = torch.stack(
            [
                torch.isin(labels, choice.nonzero()[:, 0])
                for labels, choice in zip(gt_semantic_seg, chosen, strict=True)
            ]
        )
        mixed_img = torch.where(mask, img, target_img)
        mixed_img = draw_view(mixed_img, *norm, dacs.view, self.draws('mixed view', iteration))
        mixed_label = torch.where(mask, gt_semantic_seg, label[:, None])
        mixed_weight = torch.where(mask[:, 0], torch.ones_like(weight), weight)
        embedded, mixed = self.learn_mixed(mixed_img, mixed_label, mixed_weight, iteration)
        losses |= {f'mix.{name}': value for name, value in mixed.items()}
        if self.level is not None and self.level.bank.is_full:
            losses['mix.loss_instance'] = self.learn_instances(
                weak_embedding, embedded.embedding, probs
            )
        return losses

    def learn_mixed(
        self, img: torch.Tensor, labels: torch.Tensor, weight: torch.Tensor, iteration: int
    ) -> tuple[Embedded, dict[str, torch.Tensor]]:
        """Step 8: L_T and its backward pass."""
        return self.learn_pass('mixed', img, labels, weight, iteration)

    def learn_pass(
        self,
        part: str,
        img: torch.Tensor,
        labels: torch.Tensor,
        weight: torch.Tensor | None,
        iteration: int,
    ) -> tuple[Embedded, dict[str, torch.Tensor]]:
        """Pass images through the student and differentiate its losses, keeping the graph."""
        model = self.dacs.model
        box = model.draw_crop(img.shape[2:], self.draws(f'{part} crop', iteration))
        embedded = model.forward_embedding(img, *([] if box is None else [box]))
        losses = {'decode.loss_seg': mean_cross_entropy(embedded.logits, labels, weight)}
        if embedded.detail is not None:
            share, box = model.decode_head.hr_loss_weight, embedded.detail.box
            inside = None if weight is None else box.of(weight)
            logits = upsample(embedded.detail.logits, box.size)
            losses['decode.loss_seg'] = (1 - share) * losses['decode.loss_seg']
            detail = mean_cross_entropy(logits, box.of(labels), inside)
            losses['decode.hr.loss_seg'] = share * detail
        for loss in losses.values():
            loss.backward(retain_graph=True)
        return embedded, losses

    def draws(self, part: str, iteration: int) -> torch.Generator:
        """Return the generator of one part of a step."""
        return torch_generator(part, self.dacs.seed, iteration)

    @torch.no_grad()
    def update_teacher(self, iteration: int) -> None:
        """Step 1: φ ← α_t φ + (1 − α_t) θ."""
        if iteration == 0:
            buffers = self.dacs.model.buffers()
            for own, other in zip(self.dacs.ema_model.buffers(), buffers, strict=True):
                own.copy_(other)
        momentum = ema_momentum(iteration, self.dacs.teacher.alpha)
        students = self.dacs.model.parameters()
        for mean, value in zip(self.dacs.ema_model.parameters(), students, strict=True):
            mean.copy_(momentum * mean + (1 - momentum) * value)
        self.dacs.teacher.num_updates += 1
        self.dacs.teacher.iteration.fill_(self.dacs.teacher.num_updates)

    def learn_source(
        self, img: torch.Tensor, labels: torch.Tensor, iteration: int
    ) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        """Steps 2 and 3: L_S and L_FD, one backward pass each."""
        embedded, losses = self.learn_pass('source', img, labels, None, iteration)
        distance_term: Any = self.dacs.terms['feature_distance']
        if distance_term.is_on:
            distance = distance_term(img, embedded.features, labels)
            losses['src.loss_imnet_feat_dist'] = distance
            distance.backward()
        return losses, embedded.embedding.detach()

    @torch.no_grad()
    def observe(self, embedding: torch.Tensor, labels: torch.Tensor, iteration: int) -> None:
        """Fill the bank or, every so often, move its entries."""
        level = self.level
        features = upsample(embedding, labels.shape[2:])
        if not level.bank.is_full:
            if iteration > 0 and iteration % level.fill_patience == 0:
                level.bank.share_out_()
            pairs = [
                full_size_class_means(features[i : i + 1], labels[i : i + 1], self.num_classes)
                for i in range(len(features))
            ]
            level.bank.fill_(*(torch.stack(parts) for parts in zip(*pairs, strict=True)))
        elif iteration % level.update_interval == 0:
            means = full_size_class_means(features, labels, self.num_classes)
            level.bank.update_(*means, level.momentum)

    @torch.no_grad()
    def ask_teacher(self, img: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Step 4: the teacher's class probabilities and embedding."""
        embedded = self.dacs.ema_model.forward_embedding(img)
        return embedded.logits.softmax(1), embedded.embedding

    @torch.no_grad()
    def smooth(self, probs: torch.Tensor, weak_embedding: torch.Tensor) -> torch.Tensor:
        """Steps 5 and 6: p̂ = a·p + (1 − a)·s."""
        level = self.level
        if level is None or level.smoothing == 1 or not level.bank.is_full:
            return probs
        bank = level.bank
        return smooth_probs(
            probs, weak_embedding, bank.features, bank.labels, level.smoothing, level.similarity
        )

    def pseudo_labels(
        self, probs: torch.Tensor, img_metas: Sequence[Mapping[str, Any]]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Step 7: labels (B, H, W) and weights (B, H, W)."""
        threshold, top, bottom, _ = self.dacs.pseudo_label_settings
        confidence, label = probs.max(1)
        inside = torch.zeros_like(confidence)
        for image, meta in enumerate(img_metas):
            height, width = meta.get('img_shape', confidence.shape[1:])[:2]
            inside[image, :height, :width] = 1
        share = ((confidence >= threshold) * inside).sum() / inside.sum()
        weight = share * inside
        weight[:, :top] = 0
        weight[:, max(weight.shape[1] - bottom, 0) :] = 0
        return label, weight

    def learn_instances(
        self, weak_embedding: torch.Tensor, strong_embedding: torch.Tensor, probs: torch.Tensor
    ) -> torch.Tensor:
        """Steps 9 and 10: L_I and its backward pass."""
        level = self.level
        bank = level.bank
        loss = level.loss_weight * instance_loss(
            weak_embedding, strong_embedding, probs, bank.features, bank.labels, level.similarity
        )
        loss.backward()
        return loss

    @property
    def num_classes(self) -> int:
        """C."""
        return self.dacs.model.num_classes


def upsample(maps: torch.Tensor, size: Sequence[int]) -> torch.Tensor:
    """Bring maps (B, *, h, w) to the size of the labels."""
    return F.interpolate(maps, tuple(size), mode='bilinear', align_corners=False)


def mean_cross_entropy(
    logits: torch.Tensor, labels: torch.Tensor, weight: torch.Tensor | None
) -> torch.Tensor:
    """Return the mean cross entropy of the pixels, 0 where the label is ignored."""
    loss = F.cross_entropy(logits, labels[:, 0], reduction='none', ignore_index=IGNORE_INDEX)
    return loss.mean() if weight is None else (weight * loss).mean()


def full_size_class_means(
    features: torch.Tensor, labels: torch.Tensor, num_classes: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Average features (B, D, H, W) over each class: means (C, D), and which classes are there."""
    pixels = features.permute(0, 2, 3, 1)
    means = features.new_zeros(num_classes, features.shape[1])
    present = torch.zeros(num_classes, dtype=torch.bool, device=features.device)
    for c in range(num_classes):
        of_class = pixels[labels[:, 0] == c]
        if len(of_class):
            means[c], present[c] = of_class.mean(0), True
    return means, present
