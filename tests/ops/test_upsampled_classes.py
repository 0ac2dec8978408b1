import sys

import pytest
import torch

from mmseg.ops import resize, upsampled_classes

SIZES = {
    'twice the size': (14, 22),
    'more rows by a whole factor': (28, 15),
    'less than twice': (11, 17),
    'smaller': (3, 5),
    'the same': (7, 11),
}


def _logits():
    return torch.randn(2, 5, 7, 11, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize('align_corners', [False, True])
@pytest.mark.parametrize('strip', [1, 700, 1 << 22])
@pytest.mark.parametrize('size', SIZES.values(), ids=SIZES)
def test_upsampled_classes__are_those_of_the_whole_map(monkeypatch, size, strip, align_corners):
    monkeypatch.setattr(sys.modules[upsampled_classes.__module__], '_STRIP_VALUES', strip)
    whole = resize(_logits(), size, mode='bilinear', align_corners=align_corners)
    classes = upsampled_classes(_logits(), size, align_corners)
    assert classes.dtype == torch.int64
    assert torch.equal(classes, whole.argmax(1))


def test_upsampled_classes__never_hold_the_whole_map(monkeypatch):
    module, largest = sys.modules[upsampled_classes.__module__], []

    def watched(*args, **settings):
        maps = resize(*args, **settings)
        largest.append(maps.numel())
        return maps

    monkeypatch.setattr(module, '_STRIP_VALUES', 700)
    monkeypatch.setattr(module, 'resize', watched)
    upsampled_classes(_logits(), (28, 44))
    whole = 2 * 5 * 28 * 44
    assert max(largest) < whole / 2
