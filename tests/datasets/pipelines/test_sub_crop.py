import torch
from mmcv.parallel import DataContainer

from mmseg.datasets.pipelines.compact import LEFT_TO_DO
from mmseg.datasets.pipelines.sub_crop import sub_crop
from mmseg.ops.boxes import Box


def test_sub_crop__padding_is_still_known():
    metas = {'pad_shape': (8, 8, 3), 'img_shape': (5, 8, 3), LEFT_TO_DO: {'size': (5, 8), 'std': 1}}
    sample = {
        'img': DataContainer(torch.arange(192.0).view(3, 8, 8), stack=True),
        'img_metas': DataContainer(metas, cpu_only=True),
    }
    part = sub_crop(sample, Box(2, 6, 4, 8))
    assert torch.equal(part['img'].data, sample['img'].data[:, 2:6, 4:])
    assert part['img'].stack
    found = part['img_metas'].data
    assert found['pad_shape'] == (4, 4, 3) and found['img_shape'] == (3, 4, 3)
    assert found[LEFT_TO_DO] == {'size': (3, 4), 'std': 1}
    assert metas['img_shape'] == (5, 8, 3)
