"""The teacher: a moving average of the student (Tarvainen and Valpola, NeurIPS 2017)."""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


def ema_momentum(iteration: int, alpha: float) -> float:
    """Return α_t = min(1 − 1/(t+1), α): a running mean at first, then a moving one.

    >>> [ema_momentum(iteration, alpha=0.999) for iteration in (0, 9, 40_000)]
    [0.0, 0.9, 0.999]
    """
    return min(1 - 1 / (iteration + 1), alpha)


class EMATeacher(nn.Module):
    """A frozen copy of the student that follows it: φ ← α_t φ + (1 − α_t) θ.

    The copy is kept out of this module's own state: its owner registers it, so that checkpoints
    carry it under the field's customary name `ema_model`.

    Args:
        model: The student to copy.
        alpha: Upper bound α of the momentum, in [0, 1).

    Raises:
        ValueError: `alpha` is out of range.
    """

    iteration: torch.Tensor

    def __init__(self, model: nn.Module, alpha: float = 0.999) -> None:
        super().__init__()
        if not 0 <= alpha < 1:
            raise ValueError(f'expected a teacher momentum alpha in [0, 1), got {alpha}')
        self.alpha = alpha
        self.register_buffer('iteration', torch.zeros((), dtype=torch.long))
        self.num_updates = 0
        self._copy = (copy.deepcopy(model).requires_grad_(False),)

    @property
    def model(self) -> nn.Module:
        """The teacher network."""
        return self._copy[0]

    @torch.no_grad()
    def update(self, student: nn.Module, cumulative_iters: int = 1) -> None:
        """Move the teacher's parameters towards the student's; the first call copies them.

        It copies buffers too, which stay from then on: BatchNorm runs on batch statistics and keeps
        its own running ones. The student moves once a window of
        iterations, and so does the teacher: t counts windows.

        Args:
            student: A network of the same architecture.
            cumulative_iters: Iterations, each with a call of this, that the student takes to a
                step.
        """
        if self.num_updates == 0:
            for own, other in zip(self.model.buffers(), student.buffers(), strict=True):
                own.copy_(other)
        num_steps, place = divmod(self.num_updates, cumulative_iters)
        if place == 0:
            momentum = ema_momentum(num_steps, self.alpha)
            targets: list[torch.Tensor] = list(self.model.parameters())
            sources: list[torch.Tensor] = list(student.parameters())
            torch._foreach_lerp_(targets, sources, 1 - momentum)
        self.num_updates += 1
        self.iteration.fill_(self.num_updates)

    def set_mode(self, student: nn.Module) -> None:
        """Switch dropout and drop path off; BatchNorm trains where the student's does.

        Args:
            student: The network of the same architecture, in its mode for training.
        """
        self.model.eval()
        for own, other in zip(self.model.modules(), student.modules(), strict=True):
            if isinstance(own, _BatchNorm):
                own.train(other.training)

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], *args: Any) -> None:
        super()._load_from_state_dict(state_dict, *args)
        # A host-side mirror: reading the buffer every step would wait for the device.
        self.num_updates = int(self.iteration)
