import numpy as np
import pytest
import torch

from mmseg.datasets.pipelines import Compose, Normalize, compact
from mmseg.datasets.pipelines.compact import LEFT_TO_DO
from tests.datasets.layouts import TRAIN_PIPELINE, photograph

FORMATTING = TRAIN_PIPELINE[5:]


def sample(dtype=np.uint8):
    labels = np.zeros((16, 24), np.uint8)
    return {
        'img': photograph(0, 16, 24).astype(dtype),
        'gt_semantic_seg': labels,
        'seg_fields': ['gt_semantic_seg'],
    }


def test_compact__images_and_labels_are_bytes_and_the_rest_is_as_before():
    pipeline = Compose(FORMATTING)
    expected, found = pipeline(sample()), compact(pipeline)(sample())
    assert found['img'].data.dtype == found['gt_semantic_seg'].data.dtype == torch.uint8
    assert found['img'].data.shape == expected['img'].data.shape
    assert torch.equal(found['gt_semantic_seg'].data, expected['gt_semantic_seg'].data)
    meta = dict(found['img_metas'].data)
    assert meta.pop(LEFT_TO_DO).keys() == {'mean', 'std', 'to_rgb', 'pad_val', 'size'}
    np.testing.assert_equal(meta, expected['img_metas'].data)


def test_compact__labels_are_a_copy_that_may_be_written_to():
    inputs = sample()
    labels = inputs['gt_semantic_seg']
    compact(Compose(FORMATTING))(inputs)['gt_semantic_seg'].data.fill_(7)
    assert labels.max() == 0


def test_compact__what_is_not_bytes_is_normalised_at_once():
    pipeline = Compose(FORMATTING)
    expected, found = pipeline(sample(np.float32)), compact(pipeline)(sample(np.float32))
    assert torch.equal(found['img'].data, expected['img'].data)
    assert found['gt_semantic_seg'].data.dtype == torch.int64
    assert LEFT_TO_DO not in found['img_metas'].data


@pytest.mark.parametrize(
    'steps',
    [FORMATTING[1:], [*FORMATTING[:1], {'type': 'Rerange'}, *FORMATTING[1:]], FORMATTING[:1]],
)
def test_compact__other_pipelines_stay(steps):
    pipeline = Compose(steps)
    assert compact(pipeline) is pipeline


def test_compact__without_padding():
    pipeline = compact(Compose([FORMATTING[0], *FORMATTING[2:]]))
    assert pipeline(sample())['img'].data.dtype == torch.uint8
    assert not any(isinstance(step, Normalize) for step in pipeline.transforms)
