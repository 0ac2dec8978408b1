import pytest
import torch
import torch.nn.functional as F

from mmseg.ops import linear_matrix, resize, row_strips


@pytest.mark.parametrize(('num_in', 'num_out'), [(5, 5), (5, 20), (7, 23), (9, 4), (1, 6)])
def test_linear_matrix__is_linear_interpolation(num_in, num_out):
    line = torch.randn(1, 1, num_in, generator=torch.Generator().manual_seed(0))
    expected = F.interpolate(line, num_out, mode='linear', align_corners=False)[0, 0]
    torch.testing.assert_close(linear_matrix(num_in, num_out) @ line[0, 0], expected)


@pytest.mark.parametrize('size', [(4, 6), (16, 24), (9, 31), (3, 2)])
def test_row_strips__together_are_the_resized_map(size):
    maps = torch.randn(4, 6, 3, generator=torch.Generator().manual_seed(0))
    strips = list(row_strips(maps, size))
    rows = torch.cat([strip.values for strip in strips])
    expected = F.interpolate(maps.permute(2, 0, 1)[None], size, mode='bilinear')
    torch.testing.assert_close(rows, expected[0].permute(1, 2, 0))
    assert [strip.lines.start for strip in strips[1:]] == [
        strip.lines.stop for strip in strips[:-1]
    ]


def test_resize__takes_sizes_of_any_integer_type():
    assert resize(torch.zeros(1, 2, 3, 4), size=torch.Size([6, 5]), mode='nearest').shape[2:] == (
        6,
        5,
    )
