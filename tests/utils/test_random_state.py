import random

import numpy as np
import torch

from mmseg.core.checkpoint import read_checkpoint
from mmseg.utils.random_state import random_state, restore_random_state


def draws() -> list[float]:
    normal = float(np.random.normal())  # NumPy keeps the second of a pair
    return [random.random(), random.gauss(0, 1), normal, float(torch.rand(()))]


def test_random_state__all_generators_go_on_from_a_file_that_loads_safely(tmp_path):
    draws()
    torch.save({'state_dict': {}, 'random': random_state()}, tmp_path / 'state.pth')
    expected = [draws() for _ in range(3)]
    restore_random_state(read_checkpoint(tmp_path / 'state.pth')['random'])
    assert [draws() for _ in range(3)] == expected
