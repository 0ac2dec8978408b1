"""UPerNet's head: the pyramid from coarse to fine."""

import torch
import torch.nn.functional as F

from mmseg.models import build_head

MAPS = ((3, 16, 12), (5, 8, 6), (6, 4, 3))


def small_head(**settings):
    torch.manual_seed(0)
    cfg = {'in_channels': [3, 5, 6], 'in_index': [0, 1, 2], 'channels': 4, 'num_classes': 5}
    return build_head({'type': 'UPerHead', **cfg, **settings}).eval()


def test_embed__equals_the_steps_written_out():
    head = small_head()
    fine, middle, coarse = (torch.randn(3, *size) for size in MAPS)

    def up(x, size):
        return F.interpolate(x, size, mode='bilinear', align_corners=False)

    top = head.bottleneck(torch.cat(head.psp_modules(coarse), 1))
    second = head.lateral_convs[1](middle) + up(top, (8, 6))
    first = head.lateral_convs[0](fine) + up(second, (16, 12))
    outputs = [head.fpn_convs[0](first), head.fpn_convs[1](second), top]
    expected = head.fpn_bottleneck(torch.cat([up(x, (16, 12)) for x in outputs], 1))
    torch.testing.assert_close(head.embed([fine, middle, coarse]), expected)


def test_embed__leaves_what_came_in_alone():
    maps = [torch.randn(1, *size) for size in MAPS]
    before = [x.clone() for x in maps]
    small_head().embed(maps)
    assert all(torch.equal(a, b) for a, b in zip(maps, before, strict=True))


def test_inputs__of_stages_in_between():
    head = small_head(in_channels=[5, 6], in_index=[1, 2])
    assert head([torch.randn(1, *size) for size in MAPS]).shape == (1, 5, 8, 6)
