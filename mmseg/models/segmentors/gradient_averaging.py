"""Gradients that several processes average, once an optimizer step."""

import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from torch import nn
from torch.nn.parallel import DistributedDataParallel


class AveragesGradients(nn.Module):
    """A network whose passes can be made to average their gradients over the processes.

    `DistributedDataParallel` knows a pass as a call of its own `forward`; here it stands behind the
    network's pass, so that who uses the network, and its state dict, know nothing of it. All
    parameters that require a gradient must get one in every step; where one does not, the next pass
    raises an error. What becomes of a pass's results (auxiliary heads, say) may use more of them.
    """

    # In a tuple, to be no part of this module: it holds this module itself.
    _parallel: tuple[DistributedDataParallel, ...] = ()

    def average_gradients(self) -> None:
        """From now on, let a backward pass leave every process with the mean gradient.

        All processes start from the weights of the first one.
        """
        # A depthwise kernel's gradient has other strides in its dimension of size 1: no difference.
        warnings.filterwarnings('ignore', 'Grad strides do not match bucket view strides')
        # Running statistics take no part in training; the processes settle them after a step.
        self._parallel = (
            DistributedDataParallel(
                _Pass(self, self.run_pass), broadcast_buffers=False, gradient_as_bucket_view=True
            ),
        )

    def local_gradients(self) -> AbstractContextManager[None]:
        """Keep gradients of passes made in this context to this process for now.

        They add up in the parameters and are averaged with those of the next pass outside.
        """
        return self._parallel[0].no_sync() if self._parallel else nullcontext()

    def run_pass(self, *inputs: Any) -> Any:
        """Run a pass as it is in one process."""
        raise NotImplementedError

    def averaged_pass(self, *inputs: Any) -> Any:
        """Run a pass; its gradients are averaged where that was asked for."""
        return self._parallel[0](*inputs) if self._parallel else self.run_pass(*inputs)


class _Pass(nn.Module):
    """A network whose `forward` is one of its methods."""

    def __init__(self, network: nn.Module, run: Callable[..., Any]) -> None:
        super().__init__()
        self.network = network
        self.run = run

    def forward(self, *inputs: Any) -> Any:
        return self.run(*inputs)
