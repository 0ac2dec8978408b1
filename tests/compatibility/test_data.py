"""Data sets, their wrappers and loaders, called as mmsegmentation 0.16 documents them."""

import json

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset

from mmseg.apis import single_gpu_test
from mmseg.datasets import (
    DATASETS,
    CityscapesDataset,
    ConcatDataset,
    CustomDataset,
    RepeatDataset,
    build_dataloader,
    build_dataset,
)
from mmseg.datasets.builder import PIPELINES
from mmseg.datasets.image_io import read_label
from mmseg.models import build_loss
from mmseg.utils.errors import UserError
from tests.compatibility.folders import TEST, settings, write_images
from tests.compatibility.networks import network
from tests.datasets.conftest import convert_cityscapes
from tests.datasets.layouts import write_cityscapes


@pytest.fixture
def root(tmp_path):
    return write_images(tmp_path)


def config(root, **more):
    return {'type': 'CustomDataset', **settings(root), **more}


def test_random_flip__by_its_former_name():
    flip = PIPELINES.build({'type': 'RandomFlip', 'flip_ratio': 1.0})
    image = np.arange(6, dtype=np.uint8).reshape(1, 2, 3)
    assert flip({'img': image})['img'].tolist() == image[:, ::-1].tolist()
    with pytest.raises(UserError, match='prob and flip_ratio are the same'):
        PIPELINES.build({'type': 'RandomFlip', 'flip_ratio': 1.0, 'prob': 1.0})


def test_build_dataset__takes_lists_of_folders_and_splits(tmp_path):
    write_images(tmp_path, folder='a', labels='la')
    write_images(tmp_path, folder='b', labels='lb')
    for name in ('one', 'two'):
        (tmp_path / f'{name}.txt').write_text(name)
    folders = build_dataset(config(tmp_path, img_dir=['a', 'b'], ann_dir=['la', 'lb']))
    splits = config(tmp_path, img_dir='a', ann_dir='la', split=['one.txt', 'two.txt'])
    assert isinstance(folders, ConcatDataset) and len(folders) == 6
    assert [i['filename'] for i in build_dataset(splits).img_infos] == ['one.png', 'two.png']
    tested = build_dataset(splits, dict(test_mode=True))
    assert all(part.test_mode for part in tested.datasets)


def test_build_dataset__takes_lists_of_configs(root):
    dataset = build_dataset([config(root), config(root)])
    assert len(dataset) == 6 and dataset.cumulative_sizes == [3, 6]
    assert dataset.CLASSES == dataset.datasets[0].CLASSES


def test_repeat_dataset__comes_several_times(root):
    dataset = build_dataset({'type': 'RepeatDataset', 'dataset': config(root), 'times': 4})
    assert len(dataset) == 12 and dataset.times == 4 and len(dataset.dataset) == 3
    plain = RepeatDataset(CustomDataset(**settings(root, TEST, test_mode=True)), 2)
    assert torch.equal(plain[4]['img'][0], plain.dataset[1]['img'][0])
    joined = ConcatDataset([dataset.dataset, dataset])
    assert len(joined) == 15


def test_build_dataloader__without_an_end_is_one_epoch(root):
    loader = build_dataloader(build_dataset(config(root)), 2, 0, dist=False)
    epochs = [[len(batch['img'].data[0]) for batch in loader] for _ in range(2)]
    assert len(loader) == 2 and epochs == [[2, 1], [2, 1]]
    names = [
        sorted(meta['ori_filename'] for batch in loader for meta in batch['img_metas'].data[0])
        for _ in range(2)
    ]
    assert names == [['one.png', 'three.png', 'two.png']] * 2
    assert len(build_dataloader(loader.dataset, 2, 0, drop_last=True)) == 1


def test_build_dataloader__takes_the_arguments_in_their_order(root):
    dataset = build_dataset(config(root))
    loader = build_dataloader(dataset, 2, 0, 1, False, True, 7, True, True, False)
    again = build_dataloader(dataset, 2, 0, num_gpus=1, dist=False, seed=7, drop_last=True)
    assert torch.equal(*(next(iter(each))['img'].data[0] for each in (loader, again)))
    assert loader.dataset.CLASSES == dataset.CLASSES
    with pytest.raises(UserError, match='num_gpus: expected 1, a process for each GPU'):
        build_dataloader(dataset, 2, 0, 2)


def test_build_dataloader__each_epoch_is_another_one(root):
    loader = build_dataloader(build_dataset(config(root)), 3, 0)
    one, other = (next(iter(loader))['img'].data[0] for _ in range(2))
    assert not torch.equal(one, other)


def test_build_dataloader__tests_in_order(root):
    dataset = build_dataset(config(root, pipeline=TEST), {'test_mode': True})
    loader = build_dataloader(dataset, 1, 0, dist=False, shuffle=False)
    names = [batch['img_metas'][0].data[0][0]['ori_filename'] for batch in loader]
    assert names == ['one.png', 'three.png', 'two.png'] and len(loader) == 3


def test_build_dataloader__takes_any_data_set():
    @DATASETS.register_module(force=True)
    class Numbers(Dataset):
        CLASSES = ('a', 'b')

        def __len__(self):
            return 5

        def __getitem__(self, index):
            return {'img': torch.full((3, 2, 2), float(index))}

    loader = build_dataloader(build_dataset({'type': 'Numbers'}), 5, 0)
    numbers = next(iter(loader))['img'][:, 0, 0, 0].tolist()
    assert sorted(numbers) == [0, 1, 2, 3, 4]


def test_single_gpu_test__takes_a_plain_loader_and_a_wrapped_network(root):
    dataset = build_dataset(config(root, pipeline=TEST), {'test_mode': True})
    loader = build_dataloader(dataset, 1, 0, dist=False, shuffle=False)
    net = network()
    results = single_gpu_test(torch.nn.DataParallel(net), loader, efficient_test=True)
    assert [result.shape for result in results] == [(64, 64)] * 3
    scores = dataset.evaluate(results, metric='mIoU', logger='silent')
    assert 0 <= scores['mIoU'] <= 1 and 'IoU.sky' in scores
    counts = single_gpu_test(net, loader, pre_eval=True)
    assert dataset.evaluate(counts)['mIoU'] == scores['mIoU']


def test_evaluate__reads_saved_predictions(root, tmp_path):
    dataset = build_dataset(config(root))
    files = []
    for index, labels in enumerate(dataset.get_gt_seg_maps(efficient_test=True)):
        files.append(str(tmp_path / f'{index}.npy'))
        np.save(files[-1], labels)
    metrics = dataset.evaluate(files, ['mIoU', 'mDice'], logger='silent', efficient_test=True)
    assert metrics['mIoU'] == metrics['mDice'] == 1


def test_evaluate__prints_where_it_is_told_to(root, capsys):
    dataset = build_dataset(config(root))
    dataset.evaluate(list(dataset.get_gt_seg_maps()), logger='silent')
    assert not capsys.readouterr().out


@pytest.fixture
def cityscapes(tmp_path):
    root = write_cityscapes(tmp_path, num=2)
    convert_cityscapes(root)
    places = {'img_dir': 'leftImg8bit/val', 'ann_dir': 'gtFine/val', 'data_root': str(root)}
    return CityscapesDataset(pipeline=TEST, test_mode=True, **places)


def test_format_results__by_prefix(cityscapes, tmp_path):
    maps = [np.where(labels == 255, 0, labels) for labels in cityscapes.get_gt_seg_maps()]
    written = cityscapes.format_results(maps, imgfile_prefix=str(tmp_path / 'out'))
    assert [path.rsplit('/', 1)[1] for path in written] == [
        info['filename'].rsplit('/', 1)[1] for info in cityscapes.img_infos
    ]
    (plain,) = cityscapes.format_results(
        maps[1:], imgfile_prefix=tmp_path / 'ids', to_label_id=False, indices=[1]
    )
    assert np.array_equal(read_label(plain), maps[1])


def test_evaluate__by_the_benchmarks_own_scripts(cityscapes, tmp_path, capsys):
    maps = [np.where(labels == 255, 0, labels) for labels in cityscapes.get_gt_seg_maps()]
    scores = cityscapes.evaluate(
        maps, metric=['cityscapes', 'mIoU'], imgfile_prefix=str(tmp_path / 'out'), logger='silent'
    )
    assert scores['averageScoreClasses'] == pytest.approx(1, abs=0.02)
    assert scores['mIoU'] == 1


def test_evaluate__the_benchmarks_scripts_need_label_ids(cityscapes, tmp_path):
    maps = list(cityscapes.get_gt_seg_maps())
    for path in tmp_path.glob('gtFine/val/*/*_labelIds.png'):
        path.unlink()
    with pytest.raises(UserError, match=r"'cityscapes' reads label ids, and .* is missing"):
        cityscapes.evaluate([np.zeros_like(labels) for labels in maps], 'cityscapes')


@pytest.mark.parametrize('ending', ['npy', 'json', 'yaml'])
@pytest.mark.parametrize('kind', ['CrossEntropyLoss', 'DiceLoss', 'LovaszLoss'])
def test_class_weight__comes_from_a_file(tmp_path, ending, kind):
    path, weights = tmp_path / f'weights.{ending}', [1.0, 2.0, 3.0]
    if ending == 'npy':
        np.save(path, weights)
    else:
        path.write_text(json.dumps(weights))
    logits, labels = torch.randn(2, 3, 4, 4), torch.randint(0, 3, (2, 4, 4))
    losses = [
        build_loss({'type': kind, 'class_weight': given})(logits, labels)
        for given in (str(path), weights)
    ]
    assert torch.equal(*losses)


@pytest.mark.parametrize('name', ['missing.json', 'weights.pkl', 'text.json'])
def test_class_weight__a_file_that_holds_none_is_named(tmp_path, name):
    (tmp_path / 'text.json').write_text('{"road": "heavy"}')
    (tmp_path / 'weights.pkl').write_bytes(b'')
    with pytest.raises(UserError, match=rf'class_weight: expected a \.json, .*{name}'):
        build_loss({'type': 'CrossEntropyLoss', 'class_weight': str(tmp_path / name)})
