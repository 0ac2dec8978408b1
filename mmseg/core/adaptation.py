"""What training, hooks, checks and tools may ask of a method that adapts a network."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

import torch
from torch import nn

from .optimizer_step import OptimizerStep
from .precision import Precision


class Bank(Protocol):
    """Labelled features that a method gathers; N entries, D channels, C classes.

    Attributes:
        features: Entries (N, D).
        labels: Their classes (N,), below 0 where unfilled.
        num_classes: C.
    """

    features: torch.Tensor
    labels: torch.Tensor
    num_classes: int

    @property
    def is_full(self) -> bool:
        """Whether every entry is filled."""

    @property
    def quotas(self) -> list[int]:
        """Entries that each class may have (C,)."""

    def set_class_pixels(self, class_pixels: Sequence[float]) -> None:
        """Take the pixels of each class in the source set (C,), which the quotas follow from."""


class AdaptationMethod(nn.Module):
    """Base of what `uda=dict(type=…)` names: a student, perhaps a teacher, and how they train.

    Whoever trains, watches, checks or reports asks this class and nothing beyond it. Methods of
    your own override what they have; `get_model` and `train_step` are all that they must.

    Attributes:
        CLASSES: Class names (C), given by training.
        PALETTE: Colours (C, 3), given by training.
        precision: In which the networks compute. A method that has one is given that of the run
            and enters `autocast` by itself; around the step of another one, training does.
        optimizer_step: When gradients become steps. A method that has one is given that of
            `optimizer_config` and calls `start`, `share` and `finish`; another one takes its steps
            without.
        debug_img_interval: Iterations between two sheets of pictures; 0 for none.
        capture_panels: Whether the next step is to leave `panels`; set by the hook that draws them.
        panels: Images (B, K, H, W), labels (B, 1, H, W) or (B, H, W) and `pseudo_weight` (B, H, W)
            of the last step that was asked for them.
    """

    CLASSES: Sequence[str] | None = None
    PALETTE: Sequence[Sequence[int]] | None = None
    precision: Precision | None = None
    optimizer_step: OptimizerStep | None = None
    debug_img_interval: int = 0
    capture_panels: bool = False
    panels: dict[str, torch.Tensor] | None = None

    def get_model(self) -> nn.Module:
        """Return the student: it learns, is saved as `model.…`, evaluated and tested."""
        raise NotImplementedError

    def get_ema_model(self) -> nn.Module | None:
        """Return the teacher, evaluated beside the student; None where there is none."""
        return None

    @property
    def bank(self) -> Bank | None:
        """The instance bank, for the logs and pictures; None where there is none."""
        return None

    def train_step(
        self, data_batch: Mapping[str, Any], optimizer: torch.optim.Optimizer, **kwargs: Any
    ) -> dict[str, Any]:
        """Learn from one batch.

        Args:
            data_batch: `img`, `img_metas`, `gt_semantic_seg` of the source; `target_img` and
                `target_img_metas`.
            optimizer: Over the student's parameters.
            **kwargs: Of the runner; unused.

        Returns:
            'log_vars' (name → number), 'num_samples', and 'has_stepped' with an `optimizer_step`.
        """
        raise NotImplementedError

    def try_source(
        self, img: torch.Tensor, img_metas: Sequence[Mapping[str, Any]], labels: torch.Tensor
    ) -> None:
        """Measure labelled images as a step does, without learning: it fails where a step would.

        Args:
            img: Normalised images (B, K, H, W).
            img_metas: Facts about them.
            labels: Labels (B, 1, H, W).
        """
        student: Any = self.get_model()
        student.forward_train(img, img_metas, labels)

    def match_state(self, state_dict: Mapping[str, torch.Tensor]) -> None:
        """Get ready for the state that a run is to go on from, before it is loaded.

        Args:
            state_dict: Of a whole model like this one.

        Raises:
            UserError: It can't go on from there.
        """


def student_of(model: nn.Module) -> nn.Module:
    """Return the network that learns: a method's student, or the model itself."""
    return model.get_model() if isinstance(model, AdaptationMethod) else model


def bank_of(model: nn.Module) -> Bank | None:
    """Return the instance bank of a model that has one."""
    return model.bank if isinstance(model, AdaptationMethod) else None


def computing_in(precision: Precision, model: nn.Module) -> AbstractContextManager[Any]:
    """Return the context that a model's training step is to run in, and tell the model.

    Args:
        precision: That of the run.
        model: A method that has a `precision` of its own gets this one, and does the rest.
    """
    if not isinstance(model, AdaptationMethod) or model.precision is None:
        return precision.autocast()
    model.precision = precision
    return nullcontext()
