import numpy as np
import pytest
import torch

from mmseg.core.picture_box import picture_box
from mmseg.datasets.collating import collate_batch
from mmseg.datasets.pipelines import Collect, Compose, DefaultFormatBundle, Normalize, compact

from .layouts import photograph

NORM = Normalize([100.0, 110.0, 120.0], [50.0, 60.0, 70.0])
PIPELINE = Compose([NORM, DefaultFormatBundle(), Collect(['img', 'gt_semantic_seg'])])


def sample(pipeline, height, width, label=1):
    image = photograph(height, height, width)
    facts = {'img_shape': image.shape, 'pad_shape': image.shape, 'filename': f'{height}.png'}
    labels = np.full((height, width), label, np.uint8)
    inputs = {'img': image, 'gt_semantic_seg': labels, 'seg_fields': ['gt_semantic_seg']}
    return pipeline({**inputs, **facts})


@pytest.mark.parametrize('pipeline', [PIPELINE, compact(PIPELINE)], ids=['whole', 'compact'])
@pytest.mark.parametrize(
    'sizes', [[(8, 10), (6, 7)], [(5, 9), (9, 5), (7, 7)], [(6, 4), (6, 8)], [(3, 3), (3, 3)]]
)
def test_collate_batch__what_is_added_is_ignored(pipeline, sizes):
    batch = collate_batch([sample(pipeline, *size, label=k + 1) for k, size in enumerate(sizes)])
    images, labels = batch['img'].data[0], batch['gt_semantic_seg'].data[0]
    whole = tuple(max(sides) for sides in zip(*sizes, strict=True))
    assert images.shape[2:] == labels.shape[2:] == whole
    metas = batch['img_metas'].data[0]
    for k, (height, width) in enumerate(sizes):
        inside = torch.zeros(whole, dtype=torch.bool)
        inside[:height, :width] = True
        assert (labels[k, 0][inside] == k + 1).all() and (labels[k, 0][~inside] == 255).all()
        assert (images[k][:, ~inside] == 0).all()
        assert picture_box(metas[k], whole) == (0, 0, height, width)


def test_collate_batch__unequal_numbers_of_channels_are_refused():
    samples = [sample(PIPELINE, 4, 5), sample(PIPELINE, 4, 5)]
    samples[1]['img'].data.resize_(1, 4, 5)
    with pytest.raises(ValueError, match=r"'img' of one batch differs in its number of channels"):
        collate_batch(samples)


def test_collate_batch__plain_tensors_of_unequal_size_are_refused():
    with pytest.raises(ValueError, match='end the pipeline with DefaultFormatBundle'):
        collate_batch([{'img': torch.zeros(3, 4, side)} for side in (5, 6)])
