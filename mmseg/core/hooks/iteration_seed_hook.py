"""Seeds that make an iteration a function of its number."""

import torch
from mmcv.runner import HOOKS, Hook

from mmseg.utils.seed import derive_seed


@HOOKS.register_module()
class IterationSeedHook(Hook):
    """Seed dropout and drop path before every iteration, so that a resumed run repeats them.

    Args:
        seed: Seed of the run.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def before_train_iter(self, runner) -> None:
        torch.manual_seed(derive_seed(self.seed, runner.iter, runner.rank))
