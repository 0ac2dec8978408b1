import pytest
import torch

from mmseg.utils.distributed import (
    any_over_processes,
    gather_over_processes,
    mean_over_processes,
    own_part,
    rank,
    sum_over_processes,
    world_size,
)
from tests.processes import run_processes


def reductions():
    mine = torch.tensor([[1.0, 10.0]]) * (rank() + 1)
    # A transposed tensor: the order in memory must not matter.
    grid = torch.arange(6.0).reshape(2, 3).T * (rank() + 1)
    return {
        'place': (rank(), world_size()),
        'part': own_part(list(range(6))),
        'sum': sum_over_processes(mine).tolist(),
        'grid': sum_over_processes(grid).tolist(),
        'mean': mean_over_processes(mine).tolist(),
        'any': any_over_processes(torch.arange(4) == rank()).tolist(),
        'gathered': gather_over_processes(mine).tolist(),
        'gathered mask': gather_over_processes(torch.tensor([rank() == 1])).tolist(),
        'untouched': mine.tolist(),
    }


def test_reductions__are_the_same_on_all_processes():
    results = run_processes(3, reductions)
    for number, result in enumerate(results):
        assert result['place'] == (number, 3)
        assert result['part'] == [2 * number, 2 * number + 1]
        assert result['sum'] == [[6, 60]]
        assert result['grid'] == [[0, 18], [6, 24], [12, 30]]
        assert result['mean'] == [[2, 20]]
        assert result['any'] == [True, True, True, False]
        assert result['gathered'] == [[1, 10], [2, 20], [3, 30]]
        assert result['gathered mask'] == [False, True, False]
        assert result['untouched'] == [[number + 1, 10 * (number + 1)]]


@pytest.mark.parametrize(
    'reduce', [sum_over_processes, mean_over_processes, any_over_processes, gather_over_processes]
)
def test_reductions__one_process_gets_back_what_it_gave(reduce):
    values = torch.tensor([True, False])
    assert reduce(values) is values
    assert (rank(), world_size(), own_part([4, 5])) == (0, 1, [4, 5])
