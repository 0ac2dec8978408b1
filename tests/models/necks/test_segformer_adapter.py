"""The adapter from MiT to heads made for dilated ResNets."""

import pytest
import torch
import torch.nn.functional as F

from mmseg.models import build_neck
from mmseg.utils.errors import UserError

SIZES = ((32, 16, 24), (64, 8, 12), (160, 4, 6), (256, 2, 3))


def maps(batch=3):
    torch.manual_seed(0)
    return [torch.randn(batch, *size) for size in SIZES]


def test_forward__the_last_map_comes_to_stride_8():
    before = maps()
    after = build_neck({'type': 'SegFormerAdapter'})(before)
    expected = F.interpolate(before[3], scale_factor=4, mode='bilinear')
    torch.testing.assert_close(after[3], expected)
    assert after[3].shape[2:] == (8, 12)
    assert all(a is b for a, b in zip(after[:3], before[:3], strict=True))


def test_forward__what_came_in_is_left_alone():
    before = maps()
    build_neck({'type': 'SegFormerAdapter'})(before)
    assert before[3].shape == (3, 256, 2, 3)


def test_forward__several_maps_are_joined():
    neck = build_neck({'type': 'SegFormerAdapter', 'out_layers': [1, 3], 'scales': [1, 4]})
    before = maps()
    after = neck(before)
    assert after[3].shape == (3, 64 + 256, 8, 12)
    assert torch.equal(after[3][:, :64], before[1])


@pytest.mark.parametrize('settings', [{'scales': [4, 2]}, {'out_layers': [], 'scales': []}])
def test_settings__one_scale_for_each_map(settings):
    with pytest.raises(UserError, match='as many scales as out_layers'):
        build_neck({'type': 'SegFormerAdapter', **settings})
