"""Margins in which pseudo labels do not count, from the original image to the batch."""

import numpy as np
import pytest

from mmseg.datasets.pipelines import Compose, with_margins
from mmseg.utils.errors import UserError

SIZE = (40, 60)  # height and width of the original images
MARGINS = [3, 8, 5, 10]  # top, bottom, left, right


def sample(size=SIZE):
    return {'img': np.zeros((*size, 3), np.float32), 'ori_shape': (*SIZE, 3), 'seg_fields': []}


def masked(*steps, size=SIZE):
    margins = {'type': 'PseudoLabelMargins', 'margins': MARGINS}
    return Compose([margins, *steps])(sample(size))['valid_pseudo_mask']


def test_margins__are_zero_and_the_rest_is_one():
    expected = np.zeros(SIZE, np.uint8)
    expected[3:32, 5:50] = 1
    assert np.array_equal(masked(), expected)


def test_margins__are_those_of_the_original_image_whatever_its_scale():
    mask = masked(size=(20, 30))
    # nearest: pixel i shows the original pixel 2i
    assert np.array_equal(mask, masked()[::2, ::2])


def test_margins__go_with_the_image_and_padding_is_outside():
    padded = masked({'type': 'Pad', 'size': (48, 64), 'pad_val': 0, 'seg_pad_val': 255})
    assert np.array_equal(padded[:40, :60], masked()) and (padded[40:] == 255).all()
    bundle = {'type': 'DefaultFormatBundle'}
    valid = masked({'type': 'Pad', 'size': (48, 64), 'pad_val': 0, 'seg_pad_val': 255}, bundle)
    assert valid.data.shape == (1, 48, 64) and set(valid.data.unique().tolist()) == {0, 1}
    assert not valid.data[:, 40:].any() and not valid.data[:, :, 60:].any()
    flipped = masked({'type': 'RandomFlip', 'prob': 1.0})
    assert np.array_equal(flipped, masked()[:, ::-1])


@pytest.mark.parametrize(
    ('margins', 'message'),
    [
        ([30, 10, 0, 0], r'\[30, 10, 0, 0\] .* leave nothing of an image of 40×60'),
        ([0, 0, 60, 0], 'leave nothing of an image'),
        ([1, 2, 3], r'crop_pseudo_margins: expected pixels from 0 .* got \[1, 2, 3\]'),
        ([-1, 0, 0, 0], r'got \[-1, 0, 0, 0\]'),
        ([True, 0, 0, 0], r'got \[True, 0, 0, 0\]'),
    ],
)
def test_margins__that_can_not_be_are_refused(margins, message):
    with pytest.raises(UserError, match=message):
        Compose([{'type': 'PseudoLabelMargins', 'margins': margins}])(sample())


def test_with_margins__needs_a_pipeline_that_reads_and_collects():
    with pytest.raises(UserError, match='LoadImageFromFile and Collect, got Resize'):
        with_margins([{'type': 'Resize'}], MARGINS)


@pytest.mark.parametrize('move', ['RandomCrop', 'RandomFlip', 'RandomRotate', 'Pad'])
def test_with_margins__needs_the_scale_before_the_image_is_moved(move):
    steps = [{'type': kind} for kind in ('LoadImageFromFile', move, 'Resize')]
    with pytest.raises(UserError, match=f'let Resize stand before {move}'):
        with_margins([*steps, {'type': 'Collect', 'keys': ['img']}], MARGINS)
