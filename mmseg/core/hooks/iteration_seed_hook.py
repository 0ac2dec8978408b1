"""Seeds that make an iteration a function of its number."""

import torch
from mmcv.runner import HOOKS, Hook

from mmseg.utils.seed import derive_seed


def dropout_seed(seed: int, iteration: int, rank: int) -> int:
    """Return the seed of all that draws inside the networks of a process in an iteration."""
    return derive_seed('dropout', seed, iteration, rank)


@HOOKS.register_module()
class IterationSeedHook(Hook):
    """Seed dropout and drop path before every iteration, so that a resumed run repeats them.

    Args:
        seed: Seed of the run.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def before_train_iter(self, runner) -> None:
        torch.manual_seed(dropout_seed(self.seed, runner.iter, runner.rank))
