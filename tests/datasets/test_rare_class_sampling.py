import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from mmseg.datasets import CustomDataset, RareClassDataset
from mmseg.datasets.pipelines import loading
from mmseg.datasets.rare_class_sampling import class_probabilities
from mmseg.datasets.statistics_files import write_statistics
from mmseg.utils.errors import UserError

from .layouts import TRAIN_PIPELINE, photograph, truncate, write_png

GOLDEN = json.loads((Path(__file__).parents[1] / 'golden/rare_class_sampling.json').read_text())
CAR, TRAIN = 13, 16  # train ids


def edit_json(path, change):
    content = json.loads(path.read_text())
    path.write_text(json.dumps(change(content) or content))


@pytest.mark.parametrize('temperature', ['0.01', '0.1', '1.0'])
def test_class_probabilities__agree_with_the_published_ones(temperature):
    expected = GOLDEN[f'T{temperature}']
    classes, probs = class_probabilities(GOLDEN['stats'], float(temperature))
    assert classes == expected['classes']
    np.testing.assert_allclose(probs, expected['probs'], atol=1e-5)


def test_class_probabilities__follow_the_formula_for_two_classes():
    stats = [{'0': 30, 'file': 'a'}, {'0': 45, '1': 25, 'file': 'b'}]
    classes, probs = class_probabilities(stats, 0.5)
    weights = np.exp([(1 - 0.25) / 0.5, (1 - 0.75) / 0.5])
    assert classes == [1, 0]
    np.testing.assert_allclose(probs, weights / weights.sum())
    assert stats[0] == {'0': 30, 'file': 'a'}


@pytest.mark.parametrize('infinity', ['inf', float('inf')])
def test_class_probabilities__infinite_temperature_draws_all_alike(infinity):
    classes, probs = class_probabilities(GOLDEN['stats'], infinity)
    np.testing.assert_allclose(probs, np.full(len(classes), 1 / len(classes)))


def test_class_probabilities__a_tiny_temperature_stays_finite():
    _, probs = class_probabilities([{0: 1, 1: 10**9}], 1e-6)
    np.testing.assert_allclose(probs, [1, 0])


@pytest.mark.parametrize('temperature', [0, -1, float('nan')])
def test_class_probabilities__temperature_must_be_positive(temperature):
    with pytest.raises(UserError, match='class_temp must be above 0'):
        class_probabilities([{0: 1}], temperature)


def test_class_probabilities__nothing_labelled():
    with pytest.raises(UserError, match='no labelled pixel'):
        class_probabilities([{'file': 'a'}, {'0': 0}], 1)


def test_draw__samples_show_the_class_that_was_drawn(make_gta):
    dataset = RareClassDataset(make_gta(), min_pixels=10, min_crop_ratio=0.5)
    drawn = Counter()
    for position in range(60):
        sample = dataset.draw(position, seed=0)
        counts = np.bincount(sample['gt_semantic_seg'].data.numpy().ravel(), minlength=256)
        drawn.update(c for c in (CAR, TRAIN) if counts[c] >= 5)
    # P(train) = 0.75 and P(car) = 0.23 at this temperature.
    assert drawn[TRAIN] > drawn[CAR] > 5 and sum(drawn.values()) > 45


def test_draw__is_a_function_of_seed_and_position(make_gta):
    def image(dataset, position, seed):
        return dataset.draw(position, seed)['img'].data.numpy()

    one, other = (RareClassDataset(make_gta(), min_pixels=10) for _ in range(2))
    other.draw(3, seed=1)
    np.testing.assert_array_equal(image(one, 7, 1), image(other, 7, 1))
    assert (image(one, 7, 1) != image(one, 8, 1)).any()
    assert (image(one, 7, 1) != image(one, 7, 2)).any()


def test_draw__recrops_ten_times_but_decodes_once(make_gta, monkeypatch):
    dataset = RareClassDataset(make_gta(), min_pixels=10, min_crop_ratio=1000)
    reads, crops = [], []
    read_image, augment = loading.read_image, dataset._augment
    monkeypatch.setattr(loading, 'read_image', lambda *a: reads.append(a) or read_image(*a))
    dataset._augment = lambda results: crops.append(1) or augment(results)
    dataset._augment.transforms = augment.transforms
    dataset.draw(0, seed=0)
    assert len(reads) == 1 and len(crops) == 11


def test_draw__a_pipeline_without_random_steps_works(make_gta):
    fixed = [t for t in TRAIN_PIPELINE if not t['type'].startswith('Random')]
    sample = RareClassDataset(make_gta(pipeline=fixed), min_pixels=10).draw(0, seed=0)
    assert sample['gt_semantic_seg'].data.shape == (1, 32, 48)


def test_draw__truncated_image_gives_way_to_another_of_the_class(gta_root, make_gta):
    truncate(gta_root / 'images/00001.png')
    dataset = RareClassDataset(make_gta(), min_pixels=10)
    names = {dataset.draw(k, 0)['img_metas'].data['ori_filename'] for k in range(30)}
    assert names == {'00002.png', '00003.png', '00004.png'}
    assert dataset.num_skipped > 0


def test_stats__backslashes_and_other_roots_are_understood(gta_root, make_gta):
    expected = RareClassDataset(make_gta(), min_pixels=10).images_of

    def to_windows(path):
        return 'D:\\data\\gta\\labels\\' + path.split('/')[-1]

    edit_json(
        gta_root / 'sample_class_stats.json',
        lambda stats: [{**s, 'file': to_windows(s['file'])} for s in stats],
    )
    edit_json(
        gta_root / 'samples_with_class.json',
        lambda found: {c: [(to_windows(f), n) for f, n in v] for c, v in found.items()},
    )
    found = RareClassDataset(make_gta(), min_pixels=10).images_of
    assert {c: list(i) for c, i in found.items()} == {c: list(i) for c, i in expected.items()}


def test_missing_stats__name_file_and_command(gta_root, make_gta):
    (gta_root / 'sample_class_stats.json').unlink()
    with pytest.raises(UserError, match=r'sample_class_stats\.json, which is missing.*gta\.py'):
        RareClassDataset(make_gta())


def test_cut_off_stats__name_file_and_command(gta_root, make_gta):
    truncate(gta_root / 'samples_with_class.json')
    with pytest.raises(UserError, match=r'samples_with_class\.json, which is cut off.*gta\.py'):
        RareClassDataset(make_gta())


def test_class_without_image__is_named(gta_root, make_gta):
    edit_json(gta_root / 'samples_with_class.json', lambda found: found.pop(str(TRAIN)) and None)
    with pytest.raises(UserError, match=r'no image for class 16 \(train\).*run: python tools'):
        RareClassDataset(make_gta())


def test_file_that_is_gone__is_named_with_the_command(gta_root, make_gta):
    (gta_root / 'images/00002.png').unlink()
    with pytest.raises(UserError, match=r'labels/00002_labelTrainIds\.png.* is gone.*gta\.py'):
        RareClassDataset(make_gta())


def test_file_outside_the_split__is_left_out(gta_root, make_gta):
    (gta_root / 'train.txt').write_text('00001\n00002\n')
    dataset = RareClassDataset(make_gta(split='train.txt'), min_pixels=10)
    assert TRAIN not in dataset.classes
    assert set(np.concatenate(list(dataset.images_of.values()))) == {0, 1}


def test_class_out_of_range__is_named(gta_root, make_gta):
    def add_class(stats):
        stats[0]['26'] = 5

    edit_json(gta_root / 'sample_class_stats.json', add_class)
    with pytest.raises(UserError, match=r'hold class 26 .*00001_label.* expected 0 to 18.*gta\.py'):
        RareClassDataset(make_gta())


def test_class_below_min_pixels_everywhere__is_left_out_with_one_warning(make_gta, capsys):
    dataset = RareClassDataset(make_gta(), min_pixels=36)
    assert not {CAR, TRAIN} & set(dataset.classes)
    np.testing.assert_allclose(dataset.probs.sum(), 1)
    words = ' '.join(capsys.readouterr().out.split())
    assert 'never draws 16 (train), 13 (car): no image holds more than 36 pixels' in words


def test_no_class_above_min_pixels__is_an_error(make_gta):
    with pytest.raises(UserError, match='more than min_pixels=1000000'):
        RareClassDataset(make_gta(), min_pixels=1000000)


def test_source_without_labels__is_refused(make_gta):
    with pytest.raises(UserError, match='set its ann_dir'):
        RareClassDataset(make_gta(ann_dir=None))


@pytest.mark.parametrize('num_classes', [2, 5])
def test_any_class_count__with_missing_classes(tmp_path, num_classes):
    label = np.zeros((16, 24), np.uint8)
    label[4:8] = num_classes - 1
    stats = {0: 16 * 20, num_classes - 1: 16 * 4}
    files = []
    for i in range(3):
        write_png(tmp_path / f'img/{i}.png', photograph(i, 16, 24))
        files.append(write_png(tmp_path / f'ann/{i}.png', label).as_posix())
    entries = [{**stats, 'file': file} for file in files]
    with_class = {c: [(f, n) for f in files] for c, n in stats.items()}
    (tmp_path / 'sample_class_stats.json').write_text(json.dumps(entries))
    (tmp_path / 'samples_with_class.json').write_text(json.dumps(with_class))
    source = CustomDataset(
        pipeline=TRAIN_PIPELINE,
        img_dir='img',
        ann_dir='ann',
        img_suffix='.png',
        data_root=str(tmp_path),
        classes=[str(c) for c in range(num_classes)],
    )
    dataset = RareClassDataset(source, min_pixels=10)
    assert dataset.classes == [num_classes - 1, 0]
    assert dataset.draw(0, 0)['img'].data.shape == (3, 16, 24)


def test_chosen_classes__are_counted_under_their_new_labels(make_gta):
    dataset = RareClassDataset(make_gta(classes=['train', 'sky', 'car']), min_pixels=10)
    assert dataset.classes == [0, 2, 1]
    assert list(dataset.images_of[0]) == [3] and list(dataset.images_of[2]) == [0, 1, 2]


@pytest.mark.parametrize('ignored', [0, 2, 19, 254])
def test_rare_class__what_the_files_ignore_is_no_class(make_gta, ignored):
    dataset = make_gta(ignore_index=ignored)

    def add_ignored(stats):
        for entry in stats:
            entry[str(ignored)] = 500

    edit_json(Path(dataset.data_root) / 'sample_class_stats.json', add_ignored)
    sampled = RareClassDataset(dataset, min_pixels=10)
    assert ignored not in sampled.classes and sampled.classes


def small_thing(tmp_path, min_pixels, **kwargs):
    """A data set whose one image shows class 1 in four pixels of a corner."""
    label = np.zeros((24, 24), np.uint8)
    label[22:, 22:] = 1
    write_png(tmp_path / 'images/0.png', photograph(0, 24, 24))
    write_png(tmp_path / 'labels/0.png', label)
    write_statistics(tmp_path, {'labels/0.png': {'0': 572, '1': 4}})
    steps = [{'type': 'LoadImageFromFile'}, {'type': 'LoadAnnotations'}]
    steps += [{'type': 'RandomCrop', 'crop_size': [16, 16]}, *TRAIN_PIPELINE[-2:]]
    folders = {'img_dir': 'images', 'img_suffix': '.png', 'ann_dir': 'labels'}
    source = CustomDataset(steps, data_root=str(tmp_path), classes=['a', 'b'], **folders)
    dataset = RareClassDataset(source, min_pixels, **kwargs)
    dataset.classes, dataset.probs = [1], np.array([1.0])
    return dataset


def share_that_shows(dataset):
    samples = [dataset.draw(position, 0) for position in range(120)]
    return np.mean([bool((s['gt_semantic_seg'].data == 1).any()) for s in samples])


def test_draw__min_pixels_0_crops_until_the_class_shows(tmp_path):
    # A crop shows it where both offsets, of 0 to 8, are at least 7: 4 of 81 crops do.
    expected = 1 - (77 / 81) ** 11
    assert abs(share_that_shows(small_thing(tmp_path, 0)) - expected) < 0.12


def test_draw__min_crop_ratio_0_takes_the_first_crop(tmp_path):
    dataset = small_thing(tmp_path, 0, min_crop_ratio=0)
    assert share_that_shows(dataset) < 4 / 81 + 0.08


def test_draw__a_crop_must_hold_more_than_the_share(tmp_path):
    # Of four pixels a crop holds 1, 2 or 4; more than 0.5 · 2 are 2 or 4.
    dataset = small_thing(tmp_path, 2, min_crop_ratio=0.5)
    counts = [int((dataset.draw(k, 0)['gt_semantic_seg'].data == 1).sum()) for k in range(120)]
    assert counts.count(1) < counts.count(4) + counts.count(2)


@pytest.mark.parametrize(('ratio', 'is_told'), [(2.0, False), (4.5, True)])
def test_min_crop_ratio__beyond_what_enlarging_explains_is_told(ratio, is_told, make_gta, capsys):
    RareClassDataset(make_gta(), min_pixels=10, min_crop_ratio=ratio)
    assert (f'min_crop_ratio={ratio}: crops must then' in capsys.readouterr().out) == is_told


@pytest.mark.parametrize(
    'settings',
    [
        *({'min_pixels': -1}, {'min_pixels': float('nan')}, {'min_crop_ratio': -0.1}),
        *({'min_crop_ratio': float('nan')}, {'class_temp': 0}),
        *({'class_temp': -2}, {'class_temp': 'warm'}, {'class_temp': 'nan'}),
    ],
)
def test_settings_out_of_range__are_refused_before_any_file_is_read(settings):
    with pytest.raises(UserError, match=f'{next(iter(settings))} must'):
        RareClassDataset({'type': 'GTADataset'}, **settings)
