from types import SimpleNamespace

import torch

from mmseg.core.hooks import IterationSeedHook


def draw(seed: int, iteration: int, rank: int) -> list[float]:
    hook = IterationSeedHook(seed)
    hook.before_train_iter(SimpleNamespace(iter=iteration, rank=rank))
    return torch.rand(3).tolist()


def test_iteration_seed_hook__draws_depend_on_seed_iteration_and_rank_only():
    torch.rand(7)
    first = draw(0, 5, 0)
    torch.rand(3)
    assert draw(0, 5, 0) == first
    others = [draw(1, 5, 0), draw(0, 6, 0), draw(0, 5, 1)]
    assert first not in others and len({tuple(values) for values in others}) == 3
