import subprocess
import sys

import cv2
import numpy as np
import pytest
import torch
from mmcv.parallel import DataContainer, collate
from mmcv.utils import Config
from torch.utils.data import DataLoader, Dataset

from mmseg.apis import DeviceLoader, load_config
from mmseg.apis.loader import build_test_loader, build_train_loader
from mmseg.datasets import CustomDataset, build_dataloader, build_dataset
from mmseg.datasets.pipelines import CachedResize
from mmseg.utils.errors import UserError
from tests.apis.tiny import write_config
from tests.datasets.layouts import write_png
from tools.cache_resized import datasets


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


STOPS_IN_THE_MIDDLE = """
from mmseg.apis import DeviceLoader
from mmseg.datasets import build_dataloader
from tests.apis.test_loader import sample

loader = build_dataloader(list(map(sample, range(4))), 1, 1, shuffle=False)
batches = iter(DeviceLoader(loader, 'cpu'))
print(next(batches)['img_metas'])
"""


def test_device_loader__a_process_that_stops_in_the_middle_takes_its_workers_along():
    command = [sys.executable, '-c', STOPS_IN_THE_MIDDLE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, '')
    assert done.stdout == "[{'index': 0}]\n"


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


def plain_and_finished(config, max_iters=2):
    """Batches of the pipelines as they are, and of the loader that leaves work to the device."""
    dataset = build_dataset(config.data.train)
    plain = build_dataloader(
        dataset, config.data.samples_per_gpu, 0, max_iters=max_iters, seed=config.seed
    )
    finished = build_train_loader(dataset, config, torch.device('cpu'), max_iters=max_iters)
    return list(DeviceLoader(plain, 'cpu')), list(finished)


@pytest.mark.parametrize('pad', [[32, 48], [40, 64]])
@pytest.mark.parametrize('to_rgb', [True, False])
def test_build_train_loader__what_the_device_does_equals_the_pipeline(tmp_path, pad, to_rgb):
    config = load_config(write_config(tmp_path, uda=True))
    for part in (config.data.train.source, config.data.train.target):
        part.pipeline[5].to_rgb = to_rgb
        part.pipeline[6].update(size=pad, pad_val=1.5)
    for plain, finished in zip(*plain_and_finished(config), strict=True):
        for name in ('img', 'target_img', 'gt_semantic_seg'):
            assert torch.equal(plain[name], finished[name]), name
            assert plain[name].dtype == finished[name].dtype


def test_build_train_loader__a_cache_changes_nothing(tmp_path):
    config = load_config(write_config(tmp_path, uda=True))
    for part in datasets(build_dataset(config.data.train)):
        cache = CachedResize(part.pipeline, tmp_path / 'resized')
        for index in range(len(part) - 1):  # the last one is missing
            cache.write(part.sample_inputs(index))
    plain, _ = plain_and_finished(config)
    config.data.resized_cache = str(tmp_path / 'resized')
    _, cached = plain_and_finished(config)
    for expected, found in zip(plain, cached, strict=True):
        for name in ('img', 'target_img', 'gt_semantic_seg'):
            assert torch.equal(expected[name], found[name]), name


def test_build_train_loader__leaves_the_dataset_as_it_was(tmp_path):
    config = load_config(write_config(tmp_path))
    dataset = build_dataset(config.data.train)
    next(iter(build_train_loader(dataset, config, torch.device('cpu'))))
    assert dataset[0]['img'].data.dtype == torch.float32


def test_build_test_loader__neighbours_of_one_size_come_together_in_order(tmp_path):
    config = load_config(write_config(tmp_path))
    folder = tmp_path / 'target'
    for kind in ('images', 'labels'):
        cv2.imwrite(str(folder / kind / '1.png'), np.zeros((20, 28), np.uint8))
    config.data.test_samples_per_gpu = 2
    dataset = build_dataset(config.data.test, {'test_mode': True})
    batches = list(build_test_loader(dataset, config, torch.device('cpu'), with_labels=True))
    assert [batch['indices'] for batch in batches] == [[0], [1], [2]]
    assert batches[1]['labels'].shape == (1, 20, 28) and batches[1]['labels'].dtype == torch.uint8
    assert torch.equal(batches[2]['labels'][0], torch.from_numpy(dataset.get_gt_seg_map(2)))
    dataset.img_infos.pop(1)
    batches = list(build_test_loader(dataset, config, torch.device('cpu'), with_labels=False))
    assert [batch['indices'] for batch in batches] == [[0, 1]]
    assert batches[0]['img'][0].shape == (2, 3, 40, 56) and 'labels' not in batches[0]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device')
def test_build_train_loader__batches_come_from_page_locked_memory(tmp_path):
    config = load_config(write_config(tmp_path))
    loader = build_train_loader(build_dataset(config.data.train), config, torch.device('cuda'))
    assert next(iter(loader.loader))['img'].data[0].is_pinned()
    assert next(iter(loader))['img'].is_cuda


def test_train_loader__images_of_unequal_size_are_padded_as_pad_does(tmp_path):
    sizes = [(64, 64), (40, 48), (24, 56), (64, 30)]
    for i, size in enumerate(sizes):
        write_png(tmp_path / f'images/{i}.png', np.full((*size, 3), 200, np.uint8))
        write_png(tmp_path / f'labels/{i}.png', np.full(size, 1, np.uint8))
    norm = {'type': 'Normalize', 'mean': [120.0] * 3, 'std': [50.0] * 3}
    ends = [
        {'type': 'DefaultFormatBundle'},
        {'type': 'Collect', 'keys': ['img', 'gt_semantic_seg']},
    ]

    def batch(*pad):
        steps = [{'type': 'LoadImageFromFile'}, {'type': 'LoadAnnotations'}, norm, *pad, *ends]
        folders = {'img_dir': 'images', 'img_suffix': '.png', 'ann_dir': 'labels'}
        dataset = CustomDataset(steps, data_root=str(tmp_path), classes=['a', 'b'], **folders)
        cfg = Config({'data': {'samples_per_gpu': 4, 'workers_per_gpu': 0}, 'seed': 0})
        (batch,) = build_train_loader(dataset, cfg, torch.device('cpu'), 0, 1)
        return batch

    plain, padded = batch(), batch({'type': 'Pad', 'size': [64, 64]})
    for key in ('img', 'gt_semantic_seg'):
        torch.testing.assert_close(plain[key], padded[key], rtol=0, atol=0)
    assert (plain['gt_semantic_seg'] == 1).sum() == sum(h * w for h, w in sizes)
