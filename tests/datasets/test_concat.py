from collections import Counter

import numpy as np
import pytest
import torch

from mmseg.core.evaluation import confusion_matrix
from mmseg.datasets import (
    ConcatDataset,
    CustomDataset,
    RareClassDataset,
    RepeatDataset,
    UDADataset,
    build_dataset,
    means_for_source,
)
from mmseg.datasets.class_statistics import statistics_of
from mmseg.datasets.classes import number_classes
from mmseg.datasets.statistics_files import write_statistics
from mmseg.utils.errors import UserError

from .layouts import TRAIN_PIPELINE, photograph, truncate, write_png

LOAD = [{'type': 'LoadImageFromFile'}, {'type': 'LoadAnnotations'}]
SIZES = {'a': 2, 'b': 3, 'c': 1}


@pytest.fixture
def root(tmp_path):
    """Folders a, b and c of 2, 3 and 1 images, labelled 0, 1 and 2; statistics in each."""
    for label, (name, number) in enumerate(SIZES.items()):
        for i in range(number):
            write_png(tmp_path / f'{name}/images/{i}.png', photograph(10 * label + i, 32, 48))
            write_png(tmp_path / f'{name}/labels/{i}.png', np.full((32, 48), label, np.uint8))
        pixels = {f'labels/{i}.png': {str(label): 32 * 48} for i in range(number)}
        write_statistics(tmp_path / name, pixels)
    return tmp_path


def config(root, name, pipeline=LOAD, **more):
    folders = {'img_dir': 'images', 'img_suffix': '.png', 'ann_dir': 'labels'}
    classes = {'classes': ['x', 'y', 'z'], 'data_root': str(root / name)}
    return {'type': 'CustomDataset', 'pipeline': pipeline, **folders, **classes, **more}


def listed(root, **more):
    """One config with lists of folders."""
    cfg = config(root, '', **more)
    lists = {
        'img_dir': [f'{n}/images' for n in SIZES],
        'ann_dir': [f'{n}/labels' for n in SIZES],
    }
    return {**cfg, **lists}


FORMS = {
    'type': lambda root: {'type': 'ConcatDataset', 'datasets': [config(root, n) for n in SIZES]},
    'list': lambda root: [config(root, n) for n in SIZES],
    'lists of folders': listed,
}


def labels_of(dataset):
    return [int(dataset.get_gt_seg_map(i)[0, 0]) for i in range(len(dataset))]


@pytest.mark.parametrize('form', FORMS)
def test_concat__joins_sets_in_every_form_of_a_config(root, form):
    dataset = build_dataset(FORMS[form](root))
    assert labels_of(dataset) == [0, 0, 1, 1, 1, 2]
    assert [dataset[i]['gt_semantic_seg'][0, 0] for i in range(6)] == [0, 0, 1, 1, 1, 2]
    np.testing.assert_array_equal(dataset[5]['img'], photograph(20, 32, 48))
    assert dataset.image_path(3).endswith('b/images/1.png') and dataset.has_labels
    assert [info['filename'] for info in dataset.img_infos][2] == '0.png'


def test_splits__in_a_list_join_parts_of_one_folder(root):
    for i in range(2):
        (root / f'b/{i}.txt').write_text(f'{i}\n')
    dataset = build_dataset(config(root, 'b', split=['1.txt', '0.txt', '1.txt']))
    assert [info['filename'] for info in dataset.img_infos] == ['1.png', '0.png', '1.png']


@pytest.mark.parametrize(
    'lists', [{'ann_dir': ['a/labels']}, {'split': ['a.txt', 'b.txt']}, {'ann_dir': []}]
)
def test_lists_of_unequal_length__are_told(root, lists):
    with pytest.raises(UserError, match='lists of one length in img_dir and'):
        build_dataset({**listed(root), **lists})


def test_repeat__comes_several_times(root):
    cfg = {'type': 'RepeatDataset', 'times': 3, 'dataset': config(root, 'a')}
    assert labels_of(build_dataset(cfg)) == [0] * 6
    joined = build_dataset([cfg, config(root, 'c')])
    assert labels_of(joined) == [0] * 6 + [2]
    with pytest.raises(UserError, match='times must be 1 or more'):
        build_dataset({**cfg, 'times': 0})


def test_draw__an_epoch_shows_every_image_once_and_any_position_can_be_asked_for(root):
    dataset, other = (build_dataset([config(root, n) for n in SIZES]) for _ in range(2))
    shown = [dataset.draw(k, seed=1)['img'].tobytes() for k in range(12)]
    assert len(set(shown[:6])) == len(set(shown[6:])) == 6 and shown[:6] != shown[6:]
    assert other.draw(7, seed=1)['img'].tobytes() == shown[7]
    assert other.draw(7, seed=2)['img'].tobytes() != shown[7] or shown[7] == shown[1]


def test_draw__unreadable_files_are_replaced_and_counted(root, capsys):
    truncate(root / 'b/images/1.png')
    dataset = build_dataset([config(root, n) for n in SIZES])
    for position in range(12):
        dataset.draw(position, seed=0)
    assert dataset.num_skipped >= 2
    strict = build_dataset([config(root, n) for n in SIZES], {'strict': True})
    with pytest.raises(UserError, match=r'1\.png'):
        for position in range(6):
            strict.draw(position, seed=0)


def test_statistics__are_those_of_all_parts(root):
    stats = statistics_of(build_dataset([config(root, n) for n in SIZES]))
    assert stats.stats() == [{0: 1536}] * 2 + [{1: 1536}] * 3 + [{2: 1536}]
    found = stats.images_of([2, 0, 1], 100)
    assert {c: indices.tolist() for c, indices in found.items()} == {
        2: [5],
        0: [0, 1],
        1: [2, 3, 4],
    }


def test_rare_classes__are_sampled_over_all_parts(root):
    """P(c) is the softmax of (1 - f_c) / T over the pixels of all parts."""
    parts = [config(root, n, TRAIN_PIPELINE) for n in SIZES]
    dataset = RareClassDataset(build_dataset(parts), min_pixels=100, class_temp=0.5)
    exponents = np.exp((1 - np.array([1 / 6, 2 / 6, 3 / 6])) / 0.5)
    assert dataset.classes == [2, 0, 1]
    np.testing.assert_allclose(dataset.probs, exponents / exponents.sum())
    drawn = Counter(int(dataset.draw(k, 0)['gt_semantic_seg'].data.max()) for k in range(90))
    drawn.pop(255, None)
    assert drawn[2] > 20 and set(drawn) <= {0, 1, 2}
    again = RareClassDataset(build_dataset(parts), min_pixels=100, class_temp=0.5)
    assert torch.equal(again.draw(5, 0)['img'].data, dataset.draw(5, 0)['img'].data)


def test_uda__takes_joined_sources_and_targets_and_never_reads_target_labels(root):
    sources = [config(root, n, TRAIN_PIPELINE) for n in 'ab']
    target = {'type': 'RepeatDataset', 'times': 2, 'dataset': config(root, 'c', TRAIN_PIPELINE)}
    sampling = {'min_pixels': 10, 'class_temp': 0.1}
    dataset = build_dataset(
        {
            'type': 'UDADataset',
            'source': sources,
            'target': [target, config(root, 'b', TRAIN_PIPELINE)],
        }
        | {'rare_class_sampling': sampling}
    )
    assert isinstance(dataset, UDADataset) and isinstance(dataset.source.source, ConcatDataset)
    assert not dataset.target.has_labels and len(dataset.target) == 5
    assert 'target_img' in dataset.draw(4, seed=0)


@pytest.mark.parametrize('separate', [True, False])
def test_evaluate__measures_all_images_and_each_part(root, separate):
    parts = [build_dataset(config(root, n)) for n in SIZES]
    dataset = ConcatDataset(parts, separate_eval=separate)
    preds = [np.full((32, 48), label, np.uint8) for label in (0, 1, 1, 1, 0, 2)]
    scores = dataset.evaluate(preds)
    # Right: one of two a, two of three b, c. Unions: a 2 + 1, b 3 + 1, c 1.
    assert scores['aAcc'] == pytest.approx(4 / 6)
    assert scores['mIoU'] == pytest.approx((1 / 3 + 2 / 4 + 1) / 3)
    counts = [confusion_matrix(p, dataset.get_gt_seg_map(i), 3, 255) for i, p in enumerate(preds)]
    assert dataset.evaluate(counts) == pytest.approx(scores, nan_ok=True)
    if not separate:
        assert '0_mIoU' not in scores
        return
    for number, part in enumerate(parts):
        own = part.evaluate(preds[sum(list(SIZES.values())[:number]) :][: len(part)])
        assert scores[f'{number}_mIoU'] == pytest.approx(own['mIoU'])


def test_parts_that_differ__are_told(root):
    other = config(root, 'b', classes=['x', 'z', 'y'])
    with pytest.raises(UserError, match=r'same classes in all sets.*a.images has .*x.*y.*z'):
        build_dataset([config(root, 'a'), other])
    with pytest.raises(UserError, match='labels in all or none'):
        build_dataset([config(root, 'a'), config(root, 'b', ann_dir=None)])
    with pytest.raises(UserError, match='expected at least one data set'):
        build_dataset([])
    pair = {'type': 'UDADataset', 'source': config(root, 'a'), 'target': config(root, 'b')}
    with pytest.raises(UserError, match='got UDADataset: join or repeat the source'):
        build_dataset([pair, pair])


def test_classes_without_names__are_numbered_in_all_parts(root):
    dataset = build_dataset([config(root, n, classes=None) for n in SIZES])
    number_classes(dataset, 3)
    assert all(part.CLASSES == ('0', '1', '2') for part in (dataset, *dataset.datasets))


def test_means__are_those_of_the_first_source():
    synthia = {'type': 'SynthiaDataset'}
    for train in ([synthia], {'source': [synthia, {}]}, {'datasets': [synthia]}):
        assert list(means_for_source(train)) == ['mIoU16', 'mIoU13']
    assert means_for_source([]) == means_for_source(None) == {}


def test_repeat__is_a_data_set_of_its_own_class(root):
    assert isinstance(RepeatDataset(config(root, 'a'), 2).datasets[0], CustomDataset)


def drawn_labels(dataset, number):
    samples = (dataset.draw(k, seed=0)['gt_semantic_seg'] for k in range(number))
    return Counter(int(np.ravel(getattr(labels, 'data', labels))[0]) for labels in samples)


def test_shares__say_how_often_each_set_is_drawn_from(root):
    joined = [config(root, n) for n in SIZES]
    cfg = {'type': 'ConcatDataset', 'datasets': joined, 'shares': [1, 1, 2]}
    dataset, other = build_dataset(cfg), build_dataset(cfg)
    counts = drawn_labels(dataset, 400)
    # 100, 100 and 200 are expected, with standard deviations of 8.7 and 10.
    assert abs(counts[0] - 100) < 35 and abs(counts[1] - 100) < 35 and abs(counts[2] - 200) < 40
    shown = [dataset.draw(k, seed=3)['img'].tobytes() for k in range(5)]
    assert shown[4] == other.draw(4, seed=3)['img'].tobytes() and len(set(shown)) > 1
    assert len(dataset) == 6 and labels_of(dataset) == [0, 0, 1, 1, 1, 2]


def test_shares__hold_under_rare_class_sampling_among_the_sets_that_show_the_class(root):
    # Every image of a and b shows class 0; c has a class of its own.
    for name in 'ab':
        pixels = {f'labels/{i}.png': {'0': 32 * 48} for i in range(SIZES[name])}
        write_statistics(root / name, pixels)
    cfg = {'type': 'ConcatDataset', 'datasets': [config(root, n) for n in SIZES]}
    sampled = RareClassDataset({**cfg, 'shares': [3, 1, 100]}, min_pixels=10, class_temp='inf')
    rng = np.random.default_rng(0)
    candidates = sampled._candidates(0, rng)
    parts = Counter(sampled.source.part_of(next(candidates))[0].img_dir[-8] for _ in range(400))
    assert set(parts) == {'a', 'b'} and abs(parts['a'] - 300) < 35
    assert {next(sampled._candidates(2, rng)) for _ in range(5)} == {5}


@pytest.mark.parametrize('shares', [[1], [1, 0], [1, -1], [1, float('inf')]])
def test_shares__are_a_positive_number_for_each_set(root, shares):
    datasets = [config(root, n) for n in 'ab']
    with pytest.raises(UserError, match='shares: expected a number above 0 for each of 2 data set'):
        build_dataset({'type': 'ConcatDataset', 'datasets': datasets, 'shares': shares})
