import json
from pathlib import Path

import numpy as np
import pytest
import torch

from mmseg.datasets import RareClassDataset, UDADataset, build_dataloader, build_dataset
from mmseg.datasets.pipelines import compact, loading, without_labels
from mmseg.utils.errors import UserError

from .layouts import TRAIN_PIPELINE, truncate, write_cityscapes

GOLDEN = json.loads((Path(__file__).parents[1] / 'golden/merged_configs.json').read_text())
RCS = {'min_pixels': 10, 'class_temp': 0.01, 'min_crop_ratio': 0.5}


@pytest.fixture
def make_uda(gta_root, tmp_path):
    target_root = write_cityscapes(tmp_path / 'unlabelled', with_labels=False)

    def make(source=None, target=None, **kwargs):
        own = {'type': 'GTADataset', 'pipeline': TRAIN_PIPELINE, 'data_root': str(gta_root)}
        own |= {'img_dir': 'images', 'ann_dir': 'labels'}
        other = {'type': 'CityscapesDataset', 'pipeline': TRAIN_PIPELINE}
        other |= {'data_root': str(target_root), 'img_dir': 'leftImg8bit/train'}
        other |= {'ann_dir': 'gtFine/train'}
        config = {'source': own | (source or {}), 'target': other | (target or {}), **kwargs}
        return build_dataset({'type': 'UDADataset', **config})

    return make


def same(one, other):
    keys = ('img', 'gt_semantic_seg', 'target_img')
    return all(torch.equal(one[key].data, other[key].data) for key in keys)


def test_uda__pairs_a_labelled_with_an_unlabelled_sample(make_uda):
    sample = make_uda()[0]
    assert set(sample) == {'img', 'img_metas', 'gt_semantic_seg', 'target_img', 'target_img_metas'}
    assert sample['img'].data.shape == sample['target_img'].data.shape == (3, 16, 24)
    assert sample['gt_semantic_seg'].data.shape == (1, 16, 24)
    assert 'images' in sample['img_metas'].data['filename']
    assert 'leftImg8bit' in sample['target_img_metas'].data['filename']


def test_uda__target_labels_are_never_read(make_uda, cityscapes_root, monkeypatch):
    read, read_label = [], loading.read_label
    monkeypatch.setattr(loading, 'read_label', lambda p: read.append(str(p)) or read_label(p))
    dataset = make_uda(target={'data_root': str(cityscapes_root)})
    for position in range(6):
        dataset.draw(position, seed=0)
    assert len(read) == 6 and not any('gtFine' in path for path in read)


def test_uda__rare_classes_are_sampled_in_the_source(make_uda):
    dataset = make_uda(rare_class_sampling=RCS)
    assert isinstance(dataset.source, RareClassDataset)
    assert dataset.CLASSES == dataset.source.CLASSES


def test_uda__every_position_has_its_own_sample(make_uda):
    one, other = make_uda(rare_class_sampling=RCS), make_uda(rare_class_sampling=RCS)
    other.draw(0, seed=2)
    assert same(one.draw(5, seed=2), other.draw(5, seed=2))
    assert not same(one.draw(5, seed=2), one.draw(6, seed=2))
    assert not same(one.draw(5, seed=2), one.draw(5, seed=3))


def test_uda__recropping_the_source_leaves_the_target_alone(make_uda):
    plain, rare = make_uda(), make_uda(rare_class_sampling=RCS)
    for k in range(4):
        one, other = plain.draw(k, 0)['target_img'].data, rare.draw(k, 0)['target_img'].data
        assert torch.equal(one, other)


def test_uda__batches_are_the_same_with_any_number_of_workers_and_start(make_uda):
    def batches(num_workers, start_iter=0):
        dataset = make_uda(rare_class_sampling=RCS)
        loader = build_dataloader(
            dataset, 3, num_workers, seed=4, start_iter=start_iter, max_iters=5
        )
        return [
            [b[key].data[0] for key in ('img', 'gt_semantic_seg', 'target_img')] for b in loader
        ]

    whole = batches(0)
    for other, start in ((batches(1), 0), (batches(2), 0), (batches(2, start_iter=3), 3)):
        assert len(other) == 5 - start
        for a, b in zip(whole[start:], other, strict=True):
            assert all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def test_uda__every_target_image_comes_once_an_epoch(make_uda):
    dataset = make_uda()
    names = [dataset.draw(k, 0)['target_img_metas'].data['ori_filename'] for k in range(6)]
    assert sorted(names) == [info['filename'] for info in dataset.target.img_infos]


def test_uda__truncated_target_image_is_skipped_or_stops(make_uda):
    dataset = make_uda()
    broken = dataset.target.img_infos[0]['filename']
    truncate(Path(dataset.target.img_dir) / broken)
    names = {dataset.draw(k, 0)['target_img_metas'].data['ori_filename'] for k in range(6)}
    assert broken not in names and dataset.num_skipped > 0
    strict = make_uda(strict=True)
    with pytest.raises(UserError, match='truncated'):
        for k in range(6):
            strict.draw(k, 0)


def test_uda__source_needs_labels(make_uda):
    with pytest.raises(UserError, match=r'source .*images needs labels'):
        make_uda(source={'ann_dir': None})


def test_uda__classes_must_agree(make_uda):
    with pytest.raises(UserError, match='same classes'):
        make_uda(target={'classes': ['road', 'sky']})


def test_uda__unknown_rare_class_setting_names_the_nearest(make_uda):
    with pytest.raises(UserError, match=r"'min_pixel'.*'min_pixels'"):
        make_uda(rare_class_sampling={'min_pixel': 3})


def test_uda__the_published_dataset_sections_build_and_mean_the_same(gta_root, cityscapes_root):
    data = json.loads(json.dumps(GOLDEN['7']['data']))
    data['train']['source']['data_root'] = str(gta_root)
    for part in (data['train']['target'], data['val'], data['test']):
        part['data_root'] = str(cityscapes_root)
    data['train']['rare_class_sampling']['min_pixels'] = 10
    sample = build_dataset(data['train']).draw(0, seed=0)
    assert sample['img'].data.shape == (3, 512, 512) and sample['img'].data.dtype == torch.float32
    # A 48×32 image fits into 1280×720 as 1080×720, which a crop of 512×512 fills.
    metas = sample['img_metas'].data
    np.testing.assert_allclose(metas['scale_factor'], [22.5] * 4)
    assert metas['ori_shape'] == (32, 48, 3)
    test = build_dataset(data['test'], {'test_mode': True})[0]
    assert len(test['img']) == 1 and test['img'][0].shape == (3, 512, 1024)
    assert test['img_metas'][0].data['flip'] is False


def test_uda__datasets_can_be_handed_in_built(make_gta):
    dataset = UDADataset(make_gta(), make_gta(ann_dir=None))
    assert dataset[0]['target_img'].data.shape == (3, 16, 24)


@pytest.mark.parametrize(('own', 'other'), [(0, 255), (255, 19), (254, 3)])
def test_uda__each_domain_ignores_what_its_own_files_say(make_uda, own, other):
    dataset = make_uda(source={'ignore_index': own}, target={'ignore_index': other})
    labels = dataset.draw(0, seed=0)['gt_semantic_seg'].data
    assert not (labels == own).any() or own == 255


def test_uda__margins_of_the_target_come_with_it(make_uda):
    plain = make_uda()
    dataset = make_uda(target={'crop_pseudo_margins': [2, 0, 0, 0]})
    for position in range(4):
        sample, without = dataset.draw(position, seed=0), plain.draw(position, seed=0)
        valid = sample.pop('valid_pseudo_mask').data
        assert set(sample) == set(without) and same(sample, without)
        assert valid.shape == (1, 16, 24) and set(valid.unique().tolist()) <= {0, 1}
    left_to_the_device = dataset.with_pipeline(compact).draw(0, seed=0)['valid_pseudo_mask'].data
    assert torch.equal(left_to_the_device, dataset.draw(0, seed=0)['valid_pseudo_mask'].data)
    batch = next(iter(build_dataloader(dataset, 2, 0, dist=False)))
    assert batch['valid_pseudo_mask'].data[0].shape == (2, 1, 16, 24)


def test_sync_crop_size__both_domains_are_cut_at_one_place(make_uda):
    whole, cut = make_uda(), make_uda(sync_crop_size=[8, 12])
    places = set()
    for position in range(6):
        large, small = whole.draw(position, seed=3), cut.draw(position, seed=3)
        assert same(small, cut.draw(position, seed=3))
        (place,) = {
            (y, x)
            for y in range(9)
            for x in range(13)
            if all(
                torch.equal(large[key].data[..., y : y + 8, x : x + 12], small[key].data)
                for key in ('img', 'gt_semantic_seg', 'target_img')
            )
        }
        places.add(place)
    assert len(places) > 1


def test_sync_crop_size__sizes_that_are_none(make_uda):
    with pytest.raises(UserError, match='sync_crop_size: expected a height and a width'):
        make_uda(sync_crop_size=[8])
    with pytest.raises(
        UserError, match=r'sync_crop_size=\(17, 8\) is larger than the crops of 16×24'
    ):
        make_uda(sync_crop_size=[17, 8])[0]


@pytest.fixture
def few(cityscapes_root):
    """Settings of two labelled images of a target in Cityscapes' layout."""
    names = sorted(path.name for path in (cityscapes_root / 'leftImg8bit/train').rglob('*.png'))
    (cityscapes_root / 'few.txt').write_text(
        '\n'.join(f'{name.split("_")[0]}/{name}' for name in names[:2])
    )
    return {'data_root': str(cityscapes_root), 'split': 'few.txt'}


def labelled_files(dataset, number=40):
    return [dataset.draw(k, 1)['img_metas'].data['ori_filename'] for k in range(number)]


def test_target_labelled__its_share_of_the_labelled_samples_is_of_the_target(make_uda, few):
    plain = make_uda()
    for share in (0.0, 0.5, 1.0):
        dataset = make_uda(target_labelled=few, target_labelled_share=share)
        names = labelled_files(dataset)
        own = [name for name in names if 'leftImg8bit' in name]
        assert abs(len(own) / len(names) - share) < 0.2 and len(set(own)) in (0, 2)
        assert names == labelled_files(dataset)
        for k in range(4):
            pair, without = dataset.draw(k, 1), plain.draw(k, 1)
            assert torch.equal(pair['target_img'].data, without['target_img'].data)
            assert set(pair) == set(without)
            assert pair['gt_semantic_seg'].data.shape == (1, 16, 24)


def test_target_labelled__is_read_with_labels_where_the_pipeline_of_the_target_reads_none(
    make_uda, few
):
    images_alone = {'pipeline': without_labels(TRAIN_PIPELINE)}
    dataset = make_uda(target=images_alone, target_labelled=few, target_labelled_share=1)
    same_as = make_uda(target_labelled=few, target_labelled_share=1)
    assert same(dataset.draw(0, 1), same_as.draw(0, 1))


def test_target_labelled__is_drawn_by_rare_classes_of_its_own(make_uda, few):
    dataset = make_uda(target_labelled=few, rare_class_sampling=RCS)
    assert isinstance(dataset.target_labelled, RareClassDataset)
    assert len(dataset.target_labelled.source) == 2
    compacted = dataset.with_pipeline(compact)
    assert compacted.target_labelled.source.pipeline is not dataset.target_labelled.source.pipeline


def test_target_labelled__margins_are_of_pseudo_labels_alone(make_uda, few):
    dataset = make_uda(
        target={'crop_pseudo_margins': [2, 0, 0, 0]}, target_labelled=few, target_labelled_share=1
    )
    assert dataset.draw(0, 0)['valid_pseudo_mask'].data.shape == (1, 16, 24)


def test_target_labelled__what_can_not_be(make_uda, few):
    with pytest.raises(UserError, match=r'target_labelled .* needs labels: set its ann_dir'):
        make_uda(target_labelled={**few, 'ann_dir': None})
    with pytest.raises(UserError, match='target_labelled_share: expected a number'):
        make_uda(target_labelled=few, target_labelled_share=1.5)
    with pytest.raises(UserError, match='target_labelled and target must have the same classes'):
        make_uda(target_labelled={**few, 'classes': ['road', 'sky']})
