import pytest
import torch

from mmseg.datasets import GTADataset, build_dataloader, build_dataset
from mmseg.utils.errors import UserError

from .layouts import TRAIN_PIPELINE


def config(root, **kwargs):
    settings = {'type': 'GTADataset', 'pipeline': TRAIN_PIPELINE, 'data_root': str(root)}
    return {**settings, 'img_dir': 'images', 'ann_dir': 'labels', **kwargs}


def batches(loader):
    return [
        (batch['img'].data[0], batch['gt_semantic_seg'].data[0], batch['img_metas'].data[0])
        for batch in loader
    ]


def same(one, other):
    return len(one) == len(other) and all(
        torch.equal(a[0], b[0]) and torch.equal(a[1], b[1]) for a, b in zip(one, other, strict=True)
    )


def test_build_dataset__by_name(gta_root):
    dataset = build_dataset(config(gta_root), {'strict': True})
    assert isinstance(dataset, GTADataset) and len(dataset) == 4 and dataset.strict


def test_build_dataset__unknown_type_names_the_nearest(gta_root):
    with pytest.raises(UserError, match=r"'GTADatset'.*'GTADataset'"):
        build_dataset(config(gta_root, type='GTADatset'))


def test_build_dataset__key_that_nobody_reads_names_the_nearest(gta_root):
    with pytest.raises(UserError, match=r"'img_dirs'.*'img_dir'"):
        build_dataset(config(gta_root, img_dirs='images'))


def test_build_dataset__unknown_transform_names_the_nearest(gta_root):
    pipeline = [{'type': 'LoadImageFromFiles'}]
    with pytest.raises(UserError, match=r"'LoadImageFromFiles'.*'LoadImageFromFile'"):
        build_dataset(config(gta_root, pipeline=pipeline))


@pytest.mark.parametrize('num_workers', [1, 2])
def test_build_dataloader__workers_change_nothing(make_gta, num_workers):
    settings = {'seed': 3, 'max_iters': 5}
    alone = batches(build_dataloader(make_gta(), 3, 0, **settings))
    assert alone[0][0].shape == (3, 3, 16, 24) and alone[0][1].shape == (3, 1, 16, 24)
    assert same(alone, batches(build_dataloader(make_gta(), 3, num_workers, **settings)))


def test_build_dataloader__start_in_the_middle_gives_the_same_tail(make_gta):
    whole = batches(build_dataloader(make_gta(), 2, 0, seed=3, max_iters=6))
    tail = batches(build_dataloader(make_gta(), 2, 1, seed=3, start_iter=4, max_iters=6))
    assert same(whole[4:], tail)


def test_build_dataloader__seed_changes_the_samples(make_gta):
    one, other = (batches(build_dataloader(make_gta(), 2, 0, seed=s, max_iters=2)) for s in (0, 1))
    assert not same(one, other)


def test_build_dataloader__tests_see_every_image_once_in_order(make_cityscapes_val):
    dataset = make_cityscapes_val()
    metas = [b['img_metas'].data[0][0] for b in build_dataloader(dataset, 1, 0, shuffle=False)]
    assert [m['ori_filename'] for m in metas] == [i['filename'] for i in dataset.img_infos]
