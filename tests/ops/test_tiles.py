import pytest
import torch
import torch.nn.functional as F

from mmseg.ops.tiles import StripAdjoint, column_blocks, row_strips, upsampled_strips

SIZES = [(4, 6), (16, 24), (9, 31), (3, 2), (4, 40)]


def upsample(maps, size):
    """Put the tiles together, in blocks of 16 columns at most."""
    strips = row_strips(maps.shape[1], size[0])
    columns = [
        torch.cat([tile.clone() for tile in upsampled_strips(maps[..., b.cells], strips, b)])
        for b in column_blocks(maps.shape[2], size[1], 16)
    ]
    return torch.cat(columns, dim=2).transpose(0, 1)


@pytest.mark.parametrize('size', SIZES)
def test_upsampled_strips__together_are_the_resized_maps(size):
    maps = torch.randn(3, 4, 6, generator=torch.Generator().manual_seed(0))
    expected = F.interpolate(maps[None], size, mode='bilinear')[0]
    torch.testing.assert_close(upsample(maps, size), expected)


@pytest.mark.parametrize('size', SIZES)
def test_strip_adjoint__is_the_transpose(size):
    generator = torch.Generator().manual_seed(0)
    maps, values = (torch.randn(3, *s, generator=generator) for s in ((4, 6), size))
    collected = torch.zeros_like(maps)
    strips = row_strips(4, size[0])
    for block in column_blocks(6, size[1], 16):
        adjoint = StripAdjoint(3, 4, block)
        for strip in strips:
            adjoint.add(strip, values[:, strip.lines, block.pixels].transpose(0, 1))
        collected[..., block.cells] += adjoint.finish()
    there = (upsample(maps, size) * values).sum()
    torch.testing.assert_close((maps * collected).sum(), there)


def test_tiling__cuts_every_row_and_column_once():
    strips, blocks = row_strips(5, 23), column_blocks(5, 57, 20)
    assert [row for s in strips for row in range(s.lines.start, s.lines.stop)] == [*range(23)]
    assert [c for b in blocks for c in range(b.pixels.start, b.pixels.stop)] == [*range(57)]
