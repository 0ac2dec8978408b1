import numpy as np
import pytest
import torch

from mmseg.ops import downscale_label
from tests.golden import load


@pytest.mark.parametrize(('label', 'cells'), [('fd_label', 'fd_down'), ('fd_label2', 'fd_down2')])
def test_downscale_label__equals_the_published_one(label, cells):
    golden = load('self_training')
    result = downscale_label(torch.from_numpy(golden[label]), 32, 0.75, 19)
    np.testing.assert_array_equal(result, golden[cells])


def test_downscale_label__a_cell_without_a_large_majority_is_ignored():
    label = torch.tensor([[1, 1, 0, 0], [1, 0, 0, 0]])[None, None]
    assert downscale_label(label, 2, 0.75, 2).tolist() == [[[[1, 0]]]]
    assert downscale_label(label, 2, 0.8, 2).tolist() == [[[[255, 0]]]]


def test_downscale_label__ignored_pixels_never_win():
    label = torch.tensor([[255, 255], [255, 1]])[None, None]
    assert downscale_label(label, 2, 0.25, 2).tolist() == [[[[255]]]]


def test_downscale_label__leaves_out_what_fills_no_cell():
    assert downscale_label(torch.zeros(3, 1, 7, 9).long(), 2, 1.0, 5).shape == (3, 1, 3, 4)
