import numpy as np
import pytest
import torch

from mmseg.datasets.pipelines import (
    Collect,
    DefaultFormatBundle,
    ImageToTensor,
    ToTensor,
    Transpose,
)
from mmseg.utils.errors import UserError

from ..layouts import photograph


@pytest.mark.parametrize('channels', [1, 3])
def test_image_to_tensor__puts_channels_first(channels):
    image = photograph(0, 4, 6)[..., :channels].squeeze()
    tensor = ImageToTensor(['img'])({'img': image})['img']
    assert tensor.shape == (channels, 4, 6) and tensor.is_contiguous()
    np.testing.assert_array_equal(tensor[-1], image if channels == 1 else image[..., -1])


def test_to_tensor_and_transpose__keep_values():
    results = Transpose(['img'], (2, 0, 1))({'img': photograph(0, 4, 6)})
    results = ToTensor(['img', 'count'])({**results, 'count': 3})
    assert results['img'].shape == (3, 4, 6) and results['count'] == 3


def test_default_format_bundle__stacks_images_and_long_labels():
    results = {'img': photograph(0, 4, 6), 'gt_semantic_seg': np.full((4, 6), 255, np.uint8)}
    results = DefaultFormatBundle()(results)
    assert results['img'].stack and results['img'].data.shape == (3, 4, 6)
    label = results['gt_semantic_seg'].data
    assert label.shape == (1, 4, 6) and label.dtype == torch.int64 and (label == 255).all()


def test_collect__keeps_keys_and_the_metas_there_are():
    results = {'img': 1, 'other': 2, 'flip': False, 'filename': 'a', 'rng': None}
    data = Collect(['img'])(results)
    assert set(data) == {'img', 'img_metas'}
    assert data['img_metas'].cpu_only
    assert data['img_metas'].data == {'flip': False, 'filename': 'a'}


def test_collect__missing_key_is_named():
    with pytest.raises(UserError, match="no 'gt_semantic_seg'"):
        Collect(['gt_semantic_seg'])({'img': 1})
