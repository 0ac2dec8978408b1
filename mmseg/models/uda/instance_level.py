"""What DIDA adds to self-training: a bank of instances and its say in labels and loss."""

from collections.abc import Sequence
from math import inf
from typing import Any

import torch

from mmseg.models.builder import TERMS
from mmseg.models.segmentors.encoder_decoder import Embedded
from mmseg.ops.similarity import FORMS, Similarity
from mmseg.utils.distributed import any_over_processes, gather_over_processes
from mmseg.utils.errors import UserError

from .augmentation import draw_view
from .base import Losses, Step, Term
from .class_vectors import KINDS, class_vectors
from .instance_bank import InstanceBank
from .interaction import PLAIN
from .settings import NEEDS_NO_NEGATIVES, check_form, expect

PIXEL_WEIGHTS = ('uniform', 'pseudo_label')
FOLLOWS = ('class', 'image')
SCALES = ('context', 'detail', 'both')
# With 19 classes and 2 images a step, a class in 1 % of the crops fills its share in time.
_PATIENCE_PER_ENTRY = 3


@TERMS.register_module()
class InstanceLevel(Term):
    """The instance bank with the settings of how it is kept and used (DIDA, section 3).

    Args:
        student: The network that learns; its decode head has an embedding.
        num_entries: Bank entries N; with a bank file, its own number counts.
        bank_file: Folder of a bank's two files; from an unfilled bank where None.
        loss_weight: λ_I.
        momentum: m of the bank's update, in [0, 1].
        update_interval: Iterations between updates of a full bank.
        momentum_ramps: Whether m follows min(1 − 1/(k+1), m) over the k updates of a full bank, so
            that what filled it is soon forgotten; False as published.
        fill_from: Iterations before which the bank is left unfilled, for a head that has learnt
            something to fill it; 0 as published.
        fill_patience: Iterations after which what a class did not fill of the bank goes to the
            others, and between two such times; three an entry where None.
        follows: What entries of a full bank follow: 'class', all entries of a class the vector of
            its pixels in the batch, by momentum (published; they end up alike), or 'image', the
            oldest entry of a class gives way to the vector of its pixels in an image.
        vectors: What stands for a class: 'mean', 'boundary' or 'mean+boundary'.
        form: Similarity form, 'sum' (published code) or 'softmax' (paper).
        temperature: Divisor of the cosines, form 'softmax' only.
        smoothing: a, the class prediction's share in the smoothed one; 1 switches scattering off.
        pixel_weights: How much a pixel of the mixed image counts in the loss: 'uniform' (published,
            all alike) or 'pseudo_label' (pixels of the target like their pseudo labels in L_T;
            those pasted over it, where the teacher saw something else, not at all).
        masked: Whether the loss is measured on the masked target images as well, where
            `MaskedConsistency` shows them.
        scale: Whose embeddings a network of two scales puts into the bank and compares: those of
            the 'context' everywhere, of the 'detail' where the student sees it, or of 'both', whose
            losses and similarities are averaged.

    Raises:
        UserError: A setting is out of range, or the bank file does not fit.
    """

    name = 'instance'
    num_updates: torch.Tensor | None
    turns: torch.Tensor | None

    def __init__(
        self,
        student: Any,
        num_entries: int = 300,
        bank_file: str | None = None,
        loss_weight: float = 0.5,
        momentum: float = 0.999,
        update_interval: int = 50,
        momentum_ramps: bool = False,
        fill_from: int = 0,
        fill_patience: int | None = None,
        follows: str = 'class',
        vectors: str = 'mean',
        form: str = 'sum',
        temperature: float = 1.0,
        smoothing: float = 1.0,
        pixel_weights: str = 'uniform',
        masked: bool = False,
        scale: str = 'context',
    ) -> None:
        super().__init__(student)
        dim, num_classes = student.embed_channels, student.num_classes
        _expect(num_entries >= 1, 'num_entries', 'at least 1', num_entries)
        _expect(0 <= loss_weight < inf, 'loss_weight', 'a number from 0', loss_weight)
        _expect(0 <= momentum <= 1, 'momentum', 'a number in [0, 1]', momentum)
        _expect(update_interval >= 1, 'update_interval', 'at least 1', update_interval)
        _expect(fill_from >= 0, 'fill_from', 'a number of iterations from 0', fill_from)
        patient = fill_patience is None or fill_patience >= 1
        _expect(patient, 'fill_patience', 'at least 1, or None', fill_patience)
        _expect(follows in FOLLOWS, 'follows', f'one of {FOLLOWS}', follows)
        _expect(vectors in KINDS, 'vectors', f'one of {KINDS}', vectors)
        _expect(form in FORMS, 'form', f'one of {FORMS}', form)
        _expect(0 < temperature < inf, 'temperature', 'a positive number', temperature)
        _expect(0 <= smoothing <= 1, 'smoothing', 'a number in [0, 1]', smoothing)
        known = f'one of {PIXEL_WEIGHTS}'
        _expect(pixel_weights in PIXEL_WEIGHTS, 'pixel_weights', known, pixel_weights)
        _expect(scale in SCALES, 'scale', f'one of {SCALES}', scale)
        one_scale = scale == 'context' or student.has_two_scales
        expected = "'context' for a network of one scale (HRDAEncoderDecoder has two)"
        _expect(one_scale, 'scale', expected, scale)
        if form != 'softmax' and temperature != 1:
            raise UserError(
                f"uda.instance.temperature={temperature} is read with form='softmax' only, and "
                f'form is {form!r}'
            )
        if bank_file is None:
            self.bank = InstanceBank(num_entries, dim, num_classes)
        else:
            self.bank = InstanceBank.from_file(bank_file, dim, num_classes)
            if form == 'sum' and self.bank.is_negative_somewhere():
                raise UserError(NEEDS_NO_NEGATIVES.format(f'the bank in {bank_file} holds some'))
        self.loss_weight = loss_weight
        self.momentum = momentum
        self.update_interval = update_interval
        self.fill_from = fill_from
        counter = torch.zeros((), dtype=torch.long) if momentum_ramps else None
        self.register_buffer('num_updates', counter)
        turns = torch.zeros(num_classes, dtype=torch.long) if follows == 'image' else None
        self.register_buffer('turns', turns)
        self.fill_patience = fill_patience or _PATIENCE_PER_ENTRY * len(self.bank.labels)
        self.vectors = vectors
        self.similarity = Similarity(form, temperature)
        self.equations = PLAIN
        self.smoothing = smoothing
        self.pixel_weights = pixel_weights
        self.masked = masked
        self.scale = scale
        self.looks_at_detail = scale != 'context'
        self._checks_sign = form == 'sum'
        check_form(form, student.decode_head)

    def observe_source(self, step: Step, embedding: torch.Tensor | None) -> None:
        """Fill the bank, or let it follow the source."""
        seen = []
        if self.scale != 'detail':
            assert embedding is not None
            seen.append((embedding, step.labels))
        if self.scale != 'context':
            assert step.source_detail is not None
            detail, box = step.source_detail
            seen.append((detail, box.of(step.labels)))
        self._observe(seen, step.iteration)

    def weak_view(self, step: Step, img: torch.Tensor) -> torch.Tensor:
        """Draw the view of the target that the teacher sees (step 4)."""
        return draw_view(img, *step.norm, step.view, step.draws('weak view'))

    def adjust_probs(self, step: Step, probs: torch.Tensor) -> torch.Tensor:
        """Smooth class probabilities (B, C, H, W) by scattered similarities (steps 5 and 6)."""
        coarse, fine = step.weak.embedding, step.weak.detail
        wanted = {'context': [coarse], 'detail': [fine], 'both': [coarse, fine]}[self.scale]
        parts = [self.smooth(probs, maps) for maps in wanted if maps is not None]
        return parts[0] if len(parts) == 1 else torch.stack(parts).mean(dim=0)

    def mixed_losses(self, step: Step, mixed: Embedded) -> Losses:
        """Measure L_I once the bank is full (steps 9 and 10)."""
        loss = self._loss_of_scales(step, mixed, step.target_weight)
        return {} if loss is None else {'mix.loss_instance': loss}

    def masked_losses(self, step: Step, masked: Embedded) -> Losses:
        """Measure L_I on masked target images too, where that is asked for."""
        if not self.masked:
            return {}
        loss = self._loss_of_scales(step, masked, step.pseudo_weight[:, None])
        return {} if loss is None else {'masked.loss_instance': loss}

    def _loss_of_scales(
        self, step: Step, strong: Embedded, weight: torch.Tensor
    ) -> torch.Tensor | None:
        """Measure L_I on the scales that are looked at, the detail where the student saw it."""
        weak, probs = step.weak, step.weak.probs
        losses = []
        if self.scale != 'detail':
            assert weak.embedding is not None and strong.embedding is not None
            losses.append(self.loss(weak.embedding, strong.embedding, probs, weight))
        if self.scale != 'context':
            assert weak.detail is not None and strong.detail is not None
            box, fine = strong.detail.box, strong.detail.embedding
            assert fine is not None
            same_place = box.cells(probs.shape[2] / weak.detail.shape[2]).of(weak.detail)
            losses.append(self.loss(same_place, fine, box.of(probs), box.of(weight)))
        known = [loss for loss in losses if loss is not None]
        return torch.stack(known).mean() if known else None

    @torch.no_grad()
    def observe(self, embedding: torch.Tensor, labels: torch.Tensor, iteration: int) -> None:
        """Fill the bank from labelled embeddings or, once it is full, update it now and then.

        Several processes all do what one would do with the images of all.

        Args:
            embedding: Source embeddings (B, D, h, w).
            labels: Source labels (B, 1, H, W).
            iteration: t, from 0.
        """
        self._observe([(embedding, labels)], iteration)

    def _observe(self, seen: Sequence[tuple[torch.Tensor, torch.Tensor]], iteration: int) -> None:
        """Do what `observe` does with embeddings of one or two scales, each with its labels."""
        num_classes = self.bank.num_classes
        for embedding, _ in seen:
            self._check_sign(embedding)
        if not self.bank.is_full:
            waited = iteration - self.fill_from
            if waited < 0:
                return
            if waited > 0 and waited % self.fill_patience == 0:
                self.bank.share_out_()
            self.bank.fill_(*self._vectors_of_images(seen))
        elif iteration % self.update_interval != 0:
            return
        elif self.turns is not None:
            self.bank.replace_(*self._vectors_of_images(seen), self.turns)
        else:
            pairs = [
                class_vectors(*pair, num_classes, self.vectors, all_processes=True) for pair in seen
            ]
            self.bank.update_(*_mean_of_present(pairs), self._next_momentum())

    def _vectors_of_images(
        self, seen: Sequence[tuple[torch.Tensor, torch.Tensor]]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return class vectors (B, C, D) of the images of all processes, and which there are."""
        pairs = [
            class_vectors(
                embedding[i : i + 1], labels[i : i + 1], self.bank.num_classes, self.vectors
            )
            for embedding, labels in seen
            for i in range(len(embedding))
        ]
        vectors, present = (torch.stack(parts) for parts in zip(*pairs, strict=True))
        return gather_over_processes(vectors), gather_over_processes(present)

    def _next_momentum(self) -> float:
        """Return the momentum of the next update, and count it where momentum ramps."""
        if self.num_updates is None:
            return self.momentum
        self.num_updates += 1
        return min(1 - 1 / (int(self.num_updates) + 1), self.momentum)

    def smooth(self, probs: torch.Tensor, weak_embedding: torch.Tensor) -> torch.Tensor:
        """Blend the class prediction with the scattered similarities (step 6).

        Args:
            probs: The teacher's class probabilities (B, C, H, W).
            weak_embedding: Its embedding of the weak view (B, D, h, w).

        Returns:
            Smoothed probabilities (B, C, H, W); `probs` itself until the bank is full.
        """
        if self.smoothing == 1 or not self.bank.is_full:
            return probs
        return self.equations.smooth_probs(
            probs,
            weak_embedding,
            self.bank.features,
            self.bank.labels,
            self.smoothing,
            self.similarity,
        )

    def loss(
        self,
        weak_embedding: torch.Tensor,
        strong_embedding: torch.Tensor,
        teacher_probs: torch.Tensor,
        target_weight: torch.Tensor,
    ) -> torch.Tensor | None:
        """Compute λ_I times the instance loss (steps 9 and 10).

        Args:
            weak_embedding: The teacher's embedding of the weak view (B, D, h, w).
            strong_embedding: The student's embedding of the mixed image (B, D, h, w).
            teacher_probs: The teacher's class probabilities (B, C, H, W).
            target_weight: Weights of the pseudo labels (B, 1, H, W), one number for the batch and 0
                where the mixed image shows the source; read for `pixel_weights='pseudo_label'`.

        Returns:
            Scalar; None until the bank is full.
        """
        if not self.bank.is_full:
            return None
        loss_weight: float | torch.Tensor = self.loss_weight
        if self.pixel_weights == 'pseudo_label':
            # Without class probabilities a pixel has no target and adds nothing to the loss.
            teacher_probs = teacher_probs * (target_weight > 0)
            loss_weight = self.loss_weight * target_weight.max()
        return loss_weight * self.equations.instance_loss(
            weak_embedding,
            strong_embedding,
            teacher_probs,
            self.bank.features,
            self.bank.labels,
            self.similarity,
        )

    def _check_sign(self, embedding: torch.Tensor) -> None:
        """Refuse form 'sum' where the first batch has negative features, whatever the head is."""
        if self._checks_sign and bool(any_over_processes((embedding < 0).any())):
            raise UserError(NEEDS_NO_NEGATIVES.format('the decode head gives some'))
        self._checks_sign = False


def _mean_of_present(
    pairs: Sequence[tuple[torch.Tensor, torch.Tensor]],
) -> tuple[torch.Tensor, torch.Tensor]:
    """Average class vectors (C, D) over the scales that show the class, each told (C,) bool."""
    if len(pairs) == 1:
        return pairs[0]
    vectors, present = (torch.stack(parts) for parts in zip(*pairs, strict=True))
    counts = present.sum(dim=0)
    total = (vectors * present[..., None]).sum(dim=0)
    return total / counts.clamp(min=1)[:, None], counts > 0


def _expect(holds: bool, name: str, expected: str, value: object) -> None:
    expect(holds, f'instance.{name}', expected, value)
