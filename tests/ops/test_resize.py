import pytest
import torch
import torch.nn.functional as F

from mmseg.ops import linear_matrix, resize


@pytest.mark.parametrize(('num_in', 'num_out'), [(5, 5), (5, 20), (7, 23), (9, 4), (1, 6)])
def test_linear_matrix__is_linear_interpolation(num_in, num_out):
    line = torch.randn(1, 1, num_in, generator=torch.Generator().manual_seed(0))
    expected = F.interpolate(line, num_out, mode='linear', align_corners=False)[0, 0]
    torch.testing.assert_close(linear_matrix(num_in, num_out) @ line[0, 0], expected)


def test_resize__takes_sizes_of_any_integer_type():
    assert resize(torch.zeros(1, 2, 3, 4), size=torch.Size([6, 5]), mode='nearest').shape[2:] == (
        6,
        5,
    )
