"""Networks in eval mode for a while."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def in_eval_mode(*networks: nn.Module) -> Iterator[None]:
    """Put networks into eval mode, and each of their modules back into its own at the end.

    A teacher mixes modes: BatchNorm trains, dropout does not.
    """
    modes = {module: module.training for network in networks for module in network.modules()}
    for network in networks:
        network.eval()
    try:
        yield
    finally:
        for module, was_training in modes.items():
            module.training = was_training
