import pytest
import torch
from mmcv.parallel import DataContainer, collate
from torch.utils.data import DataLoader, Dataset

from mmseg.apis import DeviceLoader
from mmseg.utils.errors import UserError


def sample(index: int) -> dict:
    return {
        'img': DataContainer(torch.full((3, 4, 6), float(index)), stack=True),
        'img_metas': DataContainer({'index': index}, cpu_only=True),
    }


def test_device_loader__unwraps_stacked_tensors_and_meta_data():
    batch = collate([sample(index) for index in range(3)], samples_per_gpu=3)
    (plain,) = DeviceLoader([batch], 'cpu')
    assert plain['img'].shape == (3, 3, 4, 6)
    assert plain['img'][:, 0, 0, 0].tolist() == [0, 1, 2]
    assert [meta['index'] for meta in plain['img_metas']] == [0, 1, 2]


def test_device_loader__keeps_the_views_of_test_batches_apart():
    views = {
        'img': [torch.zeros(3, 4, 6), torch.ones(3, 8, 12)],
        'img_metas': [DataContainer({'view': view}, cpu_only=True) for view in range(2)],
    }
    (plain,) = DeviceLoader([collate([views], samples_per_gpu=1)], 'cpu')
    assert [tuple(image.shape) for image in plain['img']] == [(1, 3, 4, 6), (1, 3, 8, 12)]
    assert plain['img_metas'] == [[{'view': 0}], [{'view': 1}]]


def test_device_loader__moves_tensors_to_the_device():
    batch = collate([sample(0)], samples_per_gpu=1)
    (plain,) = DeviceLoader([batch], 'meta')
    assert plain['img'].device.type == 'meta'


class Broken(Dataset):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        raise UserError('label 77 in a.png is out of range')


@pytest.mark.parametrize('num_workers', [0, 1])
def test_device_loader__a_users_mistake_in_a_worker_keeps_its_one_line(num_workers):
    loader = DataLoader(Broken(), num_workers=num_workers)
    with pytest.raises(UserError) as caught:
        next(iter(DeviceLoader(loader, 'cpu')))
    assert str(caught.value) == 'label 77 in a.png is out of range'
