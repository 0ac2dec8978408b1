"""What a step of self-training is to those who add to it: `Step`, and the `Term` that is added.

Legend: B images, K bands, C classes, D embedding channels, H×W the crop, h×w the embedding.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import nn

from mmseg.core.precision import Precision
from mmseg.models.builder import build_term
from mmseg.models.segmentors import EncoderDecoder
from mmseg.models.segmentors.encoder_decoder import Embedded
from mmseg.ops.boxes import Box
from mmseg.utils.errors import UserError
from mmseg.utils.overrides import has_own
from mmseg.utils.seed import torch_generator

from .augmentation import ViewSettings, normalisation_of
from .pseudo_labels import inside_images, pseudo_labels
from .settings import PseudoLabelSettings

Losses = dict[str, torch.Tensor]
# Moments of a term that a step without the target doesn't have.
_OF_TARGET = ('weak_view', 'adjust_probs', 'mixed_losses')


class Answer(NamedTuple):
    """What a teacher says of images.

    Attributes:
        probs: Class probabilities (B, C, H, W).
        embedding: The head's embedding (B, D, h, w), of the context where there are two scales;
            None for a head without.
        detail: The embedding of the detail everywhere (B, D, H/o, W/o), where a term of the step
            `looks_at_detail`.
    """

    probs: torch.Tensor
    embedding: torch.Tensor | None
    detail: torch.Tensor | None = None


@dataclass(eq=False, repr=False)
class Step:
    """A step of self-training: its batch, its networks, and what it has made of them so far.

    Attributes:
        iteration: t, from 0.
        seed: That of the run.
        cumulative_iters: Iterations that the student takes to a step of its weights.
        student: The network that learns.
        teacher: Its moving average, moved already.
        precision: In which networks compute; see `autocast`.
        view: What the step's own views do to images.
        labelling: How predictions become pseudo labels.
        img: Normalised source images (B, K, H, W).
        img_metas: Facts about them.
        labels: Source labels (B, 1, H, W).
        target_img: Normalised target images (B, K, H, W).
        target_img_metas: Facts about them.
        target_valid: Where target images may have pseudo labels (B, 1, H, W), 1 or 0; everywhere
            where None.
        source_only: Whether the target is left alone: there is nothing of it below.
        terms: All that is asked in this step.
        source_detail: The student's embedding of the source's detail (B, D, h_d, w_d), without a
            graph, and where it lies; from `observe_source` on, where a term `looks_at_detail`.
        weak_img: What the teacher is shown of the target (B, K, H, W); from `adjust_probs` on.
        weak: What it says of that; from `adjust_probs` on.
        probs: Class probabilities (B, C, H, W) that pseudo labels follow; from `mixed_losses` on.
        pseudo_label: Labels of the target (B, H, W); from `mixed_losses` on, as all below.
        pseudo_weight: Their weights (B, H, W) in [0, 1], as they are before mixing.
        mask: Where the source is pasted onto the target (B, 1, H, W) bool.
        mixed_img: Mixed images (B, K, H, W), as the student sees them.
        mixed_label: Their labels (B, 1, H, W).
        target_weight: Weights of the pseudo labels (B, 1, H, W), 0 where the source is pasted.
    """

    iteration: int
    seed: int
    cumulative_iters: int
    student: EncoderDecoder
    teacher: EncoderDecoder
    precision: Precision
    view: ViewSettings
    labelling: PseudoLabelSettings
    img: torch.Tensor
    img_metas: Sequence[Mapping[str, Any]]
    labels: torch.Tensor
    target_img: torch.Tensor
    target_img_metas: Sequence[Mapping[str, Any]]
    target_valid: torch.Tensor | None = None
    source_only: bool = False
    terms: Sequence['Term'] = ()
    source_detail: tuple[torch.Tensor, Box] | None = None
    weak_img: torch.Tensor = field(init=False)
    weak: Answer = field(init=False)
    probs: torch.Tensor = field(init=False)
    pseudo_label: torch.Tensor = field(init=False)
    pseudo_weight: torch.Tensor = field(init=False)
    mask: torch.Tensor = field(init=False)
    mixed_img: torch.Tensor = field(init=False)
    mixed_label: torch.Tensor = field(init=False)
    target_weight: torch.Tensor = field(init=False)

    @cached_property
    def norm(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Means and standard deviations (K,) that images were normalised with."""
        return normalisation_of(self.img_metas)

    @property
    def looks_at_detail(self) -> bool:
        """Whether a term does, so that the detail's embeddings are kept."""
        return any(term.looks_at_detail for term in self.terms)

    def autocast(self) -> torch.autocast:
        """Return the context for passes of networks; all else stays in float32."""
        return self.precision.autocast()

    def draws(self, part: str) -> torch.Generator:
        """Return the generator of a part of this step, in the same state on all processes."""
        return torch_generator(part, self.seed, self.iteration)

    def measure(
        self,
        img: torch.Tensor,
        labels: torch.Tensor,
        weight: torch.Tensor | None = None,
        part: str = 'source',
    ) -> tuple[Losses, Embedded]:
        """Pass images through the student; return its losses by name, and all it made on the way.

        Args:
            img: Normalised images (B, K, H, W).
            labels: Labels (B, 1, H, W).
            weight: Weight of each pixel (B, H, W); all alike where None.
            part: The pass's name: what a network of two scales draws its box by.
        """
        box = self.student.draw_crop(img.shape[2:], self.draws(f'{part} crop'))
        with self.autocast():
            embedded = self.student.forward_embedding(img, *([] if box is None else [box]))
            return self.student.losses(embedded, labels, weight), embedded

    @torch.no_grad()
    def ask(self, teacher: EncoderDecoder, img: torch.Tensor) -> Answer:
        """Return what a network, from which nobody learns here, says of images (B, K, H, W)."""
        network: Any = teacher
        with self.autocast():
            keeps = {'keeps_detail': True} if self.looks_at_detail else {}
            embedded = network.forward_embedding(img, **keeps)
        detail = None if embedded.detail is None else embedded.detail.embedding
        logits, temperature = embedded.logits.float(), self.labelling.temperature
        probs = (logits if temperature == 1 else logits / temperature).softmax(dim=1)
        return Answer(probs, embedded.embedding, detail)

    def pseudo_labels(
        self, probs: torch.Tensor, threshold: float | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return labels (B, H, W) of the target and their weights (B, H, W) in [0, 1].

        Args:
            probs: Class probabilities (B, C, H, W).
            threshold: Probability from which a pixel is confident; `pseudo_threshold` where None.
        """
        own, top, bottom, _ = self.labelling
        least = own if threshold is None else threshold
        inside = inside_images(self.target_img_metas, self.target_img)
        labels, weight = pseudo_labels(probs, least, top, bottom, inside)
        return labels, weight if self.target_valid is None else weight * self.target_valid[:, 0]


class Term(nn.Module):
    """Base of what is added to the step of `DACS`: `uda.terms=[dict(type=…, …)]`.

    The step asks its terms at these moments, in the order in which they stand here; a term
    overrides those at which it has something to say. Losses are named as they are to be logged.
    What has 'loss' in its name is differentiated, all else is logged alone. Gradients go into the
    student, so parameters of a term's own are not trained.

    A term belongs to a file of its own. What it keeps from step to step stands in parameters and
    buffers, which checkpoints hold under its name.

    Args:
        student: The network that learns. It is for sizes; in a step ask `step.student`.

    Attributes:
        name: Under which its state is saved, its draws are made and gradient norms are logged: the
            class's name, unless the class or `name` of the config says another.
        looks_at_detail: Whether it reads embeddings of the detail of a network of two scales.
    """

    name: str = ''
    looks_at_detail: bool = False

    def __init__(self, student: nn.Module) -> None:
        super().__init__()

    def start(self, step: Step) -> None:
        """Begin the step: the teacher has moved, nothing has been passed through."""

    def source_losses(self, step: Step, source: Embedded) -> Losses:
        """Add to the source's losses, to be differentiated with them.

        It is asked before the run as well, where nobody learns: leave the term's state as it is.

        Args:
            step: The step.
            source: The student's pass of `step.img`.
        """
        return {}

    def observe_source(self, step: Step, embedding: torch.Tensor | None) -> None:
        """Look at the student's embedding of the source (B, D, h, w), without a graph."""

    def weak_view(self, step: Step, img: torch.Tensor) -> torch.Tensor:
        """Return what the teacher is to be shown in place of target images (B, K, H, W)."""
        return img

    def adjust_probs(self, step: Step, probs: torch.Tensor) -> torch.Tensor:
        """Return class probabilities (B, C, H, W) that pseudo labels are to follow instead."""
        return probs

    def mixed_losses(self, step: Step, mixed: Embedded) -> Losses:
        """Add to the mixed images' losses, to be differentiated with them.

        Args:
            step: The step.
            mixed: The student's pass of `step.mixed_img`.
        """
        return {}

    def masked_losses(self, step: Step, masked: Embedded) -> Losses:
        """Add to the losses of a target batch that another term has hidden parts of.

        Args:
            step: The step.
            masked: The student's pass of the masked `step.target_img`.
        """
        return {}

    def own_pass(self, step: Step) -> Losses:
        """Pass something through the student and return losses that have a backward of their own.

        It comes last in the step. A term that overrides it gives a loss in every iteration, 0 times
        one where it is to count for nothing: several processes average gradients in the last pass.
        Dropout draws from a stream of this term's own.
        """
        return {}

    def draws(self, step: Step, part: str = '') -> torch.Generator:
        """Return a generator that no other term, and no other part of this one, draws from.

        It is a CPU generator, in one state on all processes: draw for all of them, and take
        `mmseg.utils.distributed.own_part`.

        Args:
            step: The step.
            part: What it is for, where the term draws for several things.
        """
        return step.draws(f'term {self.name}: {part}')

    def init_weights(self, student: EncoderDecoder) -> None:
        """Take up the student's first weights."""

    def match_state(self, state_dict: Mapping[str, torch.Tensor]) -> None:
        """Get ready for the state that a run is to go on from; see `AdaptationMethod`."""

    def networks(self) -> Mapping[str, nn.Module]:
        """Name frozen networks that checkpoints hold beside student and teacher, not in here."""
        return {}


def build_terms(
    configs: Sequence[Mapping[str, Any]],
    student: nn.Module,
    taken: Sequence[str],
    source_only: bool = False,
) -> list[Term]:
    """Build terms, each with a name that no other has.

    Args:
        configs: Settings of each, and perhaps its `name`.
        student: The network that learns.
        taken: Names that a term must not have.
        source_only: Whether the step has nothing of the target that terms could be asked about.

    Raises:
        UserError: A setting is not known or out of range, a name can't be had, or a term would
            never be asked.

    >>> configs = [{'type': 'MaskedConsistency', 'mask_ratio': 0.5, 'name': 'half'}]
    >>> terms = build_terms(configs, student=nn.Identity(), taken=['decode'])
    >>> [(term.name, type(term).__name__) for term in terms]
    [('half', 'MaskedConsistency')]
    """
    terms: list[Term] = []
    for config in configs:
        settings = dict(config)
        name = settings.pop('name', None)
        term = build_term(settings, student)
        if not isinstance(term, Term):
            raise UserError(
                f'uda.terms: {type(term).__name__} is no mmseg.models.uda.Term, which the step asks'
            )
        term.name = name or term.name or type(term).__name__
        if not str(term.name).isidentifier() or term.name in taken:
            raise UserError(
                f'uda.terms: {type(term).__name__} can not have the name {term.name!r}: give it '
                'another name in its config, of letters, digits and _'
            )
        if term.name in {other.name for other in terms}:
            raise UserError(
                f'uda.terms: there are two terms {term.name!r}: take one out, or give it another '
                'name in its config'
            )
        asked = [name for name in _OF_TARGET if source_only and has_own(term, Term, name)]
        if asked:
            raise UserError(
                f'uda.source_only trains without the target: the term {term.name} would never be '
                f'asked for its {" and ".join(asked)}; leave one of both out'
            )
        terms.append(term)
    return terms


def with_more(losses: Losses, more: Losses, term: Term) -> Losses:
    """Join what a term adds to what there is.

    Raises:
        UserError: A name is taken: one of both would neither be logged nor learned from.

    >>> loss, share = torch.tensor(0.5), torch.tensor(0.1)
    >>> sorted(with_more({'decode.loss_seg': loss}, {'mine.share': share}, Term(nn.Identity())))
    ['decode.loss_seg', 'mine.share']
    """
    for name in more:
        if name in losses:
            raise UserError(
                f'the term {term.name} gives {name!r}, which the step has already: let its losses '
                f"carry a name of its own, such as '{term.name}.{name}'"
            )
    return losses | more
