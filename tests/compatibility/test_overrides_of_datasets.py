"""Methods of data sets that mmsegmentation 0.16 documents as places to override are called."""

import numpy as np
import pytest
import torch

from mmseg.datasets import ConcatDataset, CustomDataset, RareClassDataset, UDADataset, pipelines
from mmseg.datasets.statistics_files import write_statistics
from mmseg.utils.errors import UserError
from tests.compatibility.folders import CLASSES, TEST, settings, write_images


@pytest.fixture
def root(tmp_path):
    return write_images(tmp_path)


def test_load_annotations__lists_the_images(root):
    class Listed(CustomDataset):
        def load_annotations(self, img_dir, img_suffix, ann_dir, seg_map_suffix, split):
            infos = super().load_annotations(img_dir, img_suffix, ann_dir, seg_map_suffix, split)
            return [info for info in infos if not info['filename'].startswith('t')]

    dataset = Listed(**settings(root))
    assert [info['filename'] for info in dataset.img_infos] == ['one.png']
    assert len(dataset) == 1 and dataset[0]['img'].data.shape == (3, 64, 64)


def test_load_annotations__may_name_files_anywhere(root, tmp_path):
    class Anywhere(CustomDataset):
        def load_annotations(self, img_dir, img_suffix, ann_dir, seg_map_suffix, split):
            label = str(root / 'labels/two.png')
            return [{'filename': str(root / 'images/two.png'), 'ann': {'seg_map': label}}]

    (tmp_path / 'empty').mkdir()
    dataset = Anywhere(**settings(root, img_dir='nowhere', ann_dir='empty'))
    assert dataset.get_gt_seg_map(0)[0, 0] == 1


def test_load_annotations__a_forgotten_label_map_is_named(root):
    class Forgetful(CustomDataset):
        def load_annotations(self, *args, **kwargs):
            return [{'filename': 'one.png'}]

    with pytest.raises(UserError, match="load_annotations: expected 'ann' with 'seg_map'"):
        Forgetful(**settings(root))


def test_pre_pipeline__adds_to_what_transforms_see(root):
    seen = []

    class Prefixed(CustomDataset):
        def pre_pipeline(self, results):
            super().pre_pipeline(results)
            results['weather'] = 'rain'

    def look(results):
        seen.append(results['weather'])
        return results

    pipeline = settings(root)['pipeline']
    dataset = Prefixed(**settings(root, [look, *pipeline]))
    dataset.draw(0, seed=0)
    assert seen == ['rain']


def test_get_ann_info__chooses_the_label_map(root):
    class Swapped(CustomDataset):
        def get_ann_info(self, idx):
            return {'seg_map': 'three.png'}

    assert Swapped(**settings(root)).get_gt_seg_map(0)[0, 0] == 2


@pytest.mark.parametrize('place', ['prepare_train_img', '__getitem__'])
def test_samples__are_made_by_the_data_set_itself(root, place):
    def own(self, idx):
        return {**getattr(super(self.__class__, self), place)(idx), 'place': idx}

    Own = type('Own', (CustomDataset,), {place: own})
    dataset = Own(**settings(root))
    one, again, other = (dataset.draw(k, seed=0) for k in (0, 0, 1))
    assert one['place'] in range(3)
    assert torch.equal(one['img'].data, again['img'].data)
    assert one['place'] != other['place']
    joined = ConcatDataset([dataset, dataset])
    assert 'place' in joined.draw(0, seed=0)
    with_pipeline = dataset.with_pipeline(pipelines.compact)
    assert with_pipeline[0]['img'].data.dtype == torch.float32


def test_samples__are_drawn_by_class_too(root):
    class Counting(CustomDataset):
        made = 0

        def prepare_train_img(self, idx):
            Counting.made += 1
            return {**super().prepare_train_img(idx), 'place': idx}

    pixels = {f'{n}.png': {str(c): 2048, '3': 2048} for c, n in enumerate(('one', 'two', 'three'))}
    write_statistics(root, pixels)
    source = Counting(**settings(root))
    dataset = RareClassDataset(source, min_pixels=100, class_temp=0.01)
    samples = [dataset.draw(k, seed=0) for k in range(6)]
    assert Counting.made >= 6
    assert all('place' in sample for sample in samples)
    assert torch.equal(samples[3]['img'].data, dataset.draw(3, seed=0)['img'].data)


def test_get_gt_seg_maps__is_what_evaluation_compares_with(root):
    class Relabelled(CustomDataset):
        def get_gt_seg_maps(self, efficient_test=False):
            return [np.full((64, 64), 2, np.uint8) for _ in range(len(self))]

    dataset = Relabelled(**settings(root, TEST, test_mode=True))
    assert dataset.evaluate([np.full((64, 64), 2)] * 3)['aAcc'] == 1

    class Changed(CustomDataset):
        def get_gt_seg_maps(self, efficient_test=False):
            return [3 - labels for labels in super().get_gt_seg_maps(efficient_test)]

    assert Changed(**settings(root)).get_gt_seg_map(0)[[0, -1], 0].tolist() == [3, 0]


def test_palette__can_be_chosen_by_the_data_set(root):
    class Coloured(CustomDataset):
        def get_palette_for_custom_classes(self, class_names, palette=None):
            return [[len(name)] * 3 for name in class_names]

    class Named(CustomDataset):
        def get_classes_and_palette(self, classes=None, palette=None):
            self.label_map = None
            return ('a', 'b', 'c', 'd'), [[0, 0, 0]] * 4

    assert [[len(name)] * 3 for name in CLASSES] == Coloured(**settings(root)).PALETTE
    assert Named(**settings(root)).CLASSES == ('a', 'b', 'c', 'd')


@pytest.mark.parametrize(
    ('base', 'name'),
    [
        (UDADataset, '__getitem__'),
        (UDADataset, 'get_rare_class_sample'),
        (RareClassDataset, '__getitem__'),
        (pipelines.Resize, '_resize_seg'),
        (pipelines.Pad, '_pad_img'),
        (pipelines.RandomCrop, 'get_crop_bbox'),
        (pipelines.PhotoMetricDistortion, 'brightness'),
    ],
)
def test_override__that_would_never_be_called_is_refused(base, name):
    with pytest.raises(UserError, match=rf'Own\.{name} would never be called: override'):
        type('Own', (base,), {name: lambda self, *args: None})
