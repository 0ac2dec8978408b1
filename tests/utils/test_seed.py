import itertools

import numpy as np
import pytest
import torch

from mmseg.core.hooks.iteration_seed_hook import dropout_seed
from mmseg.utils.seed import derive_seed, numpy_generator, torch_generator

PARTS = ('weak view', 'mixed classes', 'mixed view', 'dropout', 'sample', 'rare class sample')
PARTS += ('epoch order', 'target', 'numpy', 'bank placeholders')


def test_derive_seed__no_part_seed_iteration_or_rank_shares_a_stream_with_another():
    keys = [(s, t, r) for s in (0, 1, 7) for t in (0, 1, 5, 39999) for r in (0, 1, 2)]
    keys += [(s, t) for s in (0, 1, 7) for t in (0, 1, 5, 39999)] + [(0,), (1,), (5,), ()]
    seeds = [derive_seed(part, *key) for part, key in itertools.product(PARTS, keys)]
    assert len(set(seeds)) == len(PARTS) * len(keys)
    assert all(0 <= seed < 1 << 63 for seed in seeds)


@pytest.mark.parametrize(
    ('one', 'other'),
    [
        (('a', 5), ('a', 5, 0)),
        (('a', 5, 0), ('a', 0, 5)),
        (('a', 1 << 32, 5), ('a', 0, 1 + (5 << 32))),
        (('a', 12, 3), ('a', 1, 23)),
        (('a', 1), ('a1',)),
    ],
)
def test_generators__what_looks_alike_is_another_stream(one, other):
    assert derive_seed(*one) != derive_seed(*other)
    draws = [numpy_generator(*keys).random(4).tolist() for keys in (one, other)]
    assert draws[0] != draws[1]
    draws = [torch.rand(4, generator=torch_generator(*keys)).tolist() for keys in (one, other)]
    assert draws[0] != draws[1]


def test_generators__repeat_and_take_numbers_of_any_kind():
    assert derive_seed('a', 3) == derive_seed('a', np.int64(3)) == derive_seed('a', True + 2)
    assert derive_seed('a', -1) != derive_seed('a', 1)
    first, again = (numpy_generator('a', 3, 4).integers(1 << 60, size=3) for _ in range(2))
    assert first.tolist() == again.tolist()


def test_dropout_seed__is_no_stream_of_a_steps_own_draws():
    steps = {derive_seed(p, 3, t) for p in PARTS for t in range(50)}
    assert steps.isdisjoint(dropout_seed(3, t, rank) for t in range(50) for rank in range(4))
