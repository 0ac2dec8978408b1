import cv2
import numpy as np
import pytest

from mmseg.apis.checks.samples import (
    no_label_is_tested_on,
    source_can_be_learnt_from,
    source_fills_a_batch,
    spread,
    target_can_be_adapted_to,
)
from tests.apis.checks.runs import built, config_of, data_of, messages


def labels_of(folder, change):
    """Change every source label by a function of it and its number."""
    for path in sorted((folder / 'source/labels').glob('*.png')):
        label = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        cv2.imwrite(str(path), change(label, int(path.stem)))


@pytest.fixture
def said(tmp_path):
    """What is said of labels changed by a function, of C classes."""

    def said(change, severity='warning', num_classes=5):
        cfg = config_of(tmp_path)
        for part in (cfg.data.train, cfg.data.val, cfg.data.test):
            part.classes = part.classes[:num_classes]
            part.palette = part.palette[:num_classes]
            part.extra_means = {}
        labels_of(tmp_path, change)
        return messages(source_can_be_learnt_from, built(cfg, with_model=False), severity)

    return said


@pytest.mark.parametrize('uda', [False, True])
def test_checks_of_samples__nothing_is_said_of_ordinary_data(tmp_path, uda):
    run = data_of(tmp_path, uda)
    for check in (source_can_be_learnt_from, target_can_be_adapted_to, source_fills_a_batch):
        assert messages(check, run) == []


@pytest.mark.parametrize('num_classes', [2, 3, 5])
def test_source__masks_of_0_and_255_leave_classes_without_a_pixel(said, num_classes):
    (line,) = said(
        lambda label, i: np.where(label > 2, 255, 0).astype(np.uint8), num_classes=num_classes
    )
    assert 'class sidewalk (1)' in line and 'occurs in no label read so far (4 in ' in line
    assert '255 means ignored' in line and 'tools/convert_datasets/custom.py' in line
    assert ('pole (3)' in line) == (num_classes == 5)


def test_source__a_mask_of_0_and_255_among_others_is_no_fault(said):
    def change(label, i):
        return np.where(label > 2, 255, 0 if i else 1).astype(np.uint8)

    assert said(change, num_classes=2) == []


def test_source__one_class_in_all_labels_is_told_without_a_hint_of_255(said):
    (line,) = said(lambda label, i: np.full_like(label, 1), num_classes=2)
    assert 'class road (0) occurs in no label' in line and '255' not in line


@pytest.mark.parametrize('value', [255])
def test_source__labels_that_are_all_ignored_are_an_error(said, value):
    (line,) = said(lambda label, i: np.full_like(label, value), 'error')
    assert 'no pixel of the labels read so far (4 in ' in line and 'means ignored' in line


def soft(label, i):
    return cv2.GaussianBlur(np.where(label > 2, 255, 0).astype(np.uint8), (5, 5), 2)


def grey(label, i):
    return (label.astype(np.int64) * 40).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(('change', 'num_classes'), [(soft, 2), (soft, 5), (grey, 2)])
def test_source__masks_with_soft_edges_are_an_error_that_says_what_they_look_like(
    said, change, num_classes
):
    (line,) = said(change, 'error', num_classes)
    assert 'values that are no class, as masks with soft edges and JPEGs do' in line
    assert 'save them as PNG without smoothing' in line


def test_source__a_stray_value_is_an_error_without_that_hint(said):
    (line,) = said(lambda label, i: np.where(label == 4, 9, label), 'error')
    assert 'holds 9: expected 0 to 4' in line and 'soft edges' not in line


@pytest.mark.parametrize('shape', [(39, 56), (40, 55), (20, 28)])
def test_source__a_label_of_another_size_than_its_image_is_an_error(said, shape):
    (line,) = said(lambda label, i: cv2.resize(label, shape[::-1], interpolation=0), 'error')
    assert 'is 56×40' in line and f'{shape[1]}×{shape[0]} pixels' in line


def test_source__a_file_that_training_passes_over_is_passed_over(tmp_path):
    run = data_of(tmp_path)
    (tmp_path / 'source/labels/0.png').write_bytes(b'no picture')
    (tmp_path / 'source/images/1.png').write_bytes(b'')
    assert messages(source_can_be_learnt_from, run) == []


@pytest.mark.parametrize('content', [b'', b'a text'])
def test_images__that_can_none_of_them_be_read_are_an_error(tmp_path, content):
    run = data_of(tmp_path, uda=True)
    for path in (tmp_path / 'target/images').glob('*.png'):
        path.write_bytes(content)
    (line,) = messages(target_can_be_adapted_to, run)
    assert line.startswith('none of 3 images can be read; the first: ')


@pytest.mark.parametrize('shade', [0, 7, 255])
def test_images__of_one_colour_each_are_told(tmp_path, shade):
    run = data_of(tmp_path, uda=True)
    for path in (tmp_path / 'target/images').glob('*.png'):
        cv2.imwrite(str(path), np.full((40, 56, 3), shade, np.uint8))
    (line,) = messages(target_can_be_adapted_to, run, 'warning')
    assert 'are of one colour each (3 read so far)' in line


def test_target__a_single_image_is_told(tmp_path):
    config_of(tmp_path, uda=True)
    for number in (1, 2):
        (tmp_path / f'target/images/{number}.png').unlink()
    (line,) = messages(target_can_be_adapted_to, data_of(tmp_path, uda=True), 'warning')
    assert 'holds a single image' in line


@pytest.mark.parametrize('batch', [5, 8])
def test_source__smaller_than_a_batch_is_told(tmp_path, batch):
    run = data_of(tmp_path, data__samples_per_gpu=batch)
    (line,) = messages(source_fills_a_batch, run, 'warning')
    assert f'data.samples_per_gpu is {batch}' in line and 'holds 4 images' in line


def test_source__as_large_as_a_batch_is_no_fault(tmp_path):
    assert messages(source_fills_a_batch, data_of(tmp_path, data__samples_per_gpu=4)) == []


@pytest.mark.parametrize(
    ('length', 'num', 'expected'),
    [(1, 6, [0]), (3, 6, [0, 1, 2]), (11, 6, [0, 2, 4, 6, 8, 10]), (100, 2, [0, 99])],
)
def test_spread__reaches_from_the_first_to_the_last(length, num, expected):
    assert spread(length, num) == expected


def test_target_labelled__images_that_are_tested_on_are_refused(tmp_path):
    run = data_of(tmp_path, True, data__train__target_labelled={'split': None})
    val, test = messages(no_label_is_tested_on, run)
    assert '3 of its 3 images are in data.val too' in val and 'data.test too' in test
    assert f'{tmp_path}/target/images/0.png' in val


def test_target_labelled__images_of_their_own_are_looked_at_as_the_source_is(tmp_path):
    few = {'data_root': str(tmp_path / 'source')}
    run = data_of(tmp_path, True, data__train__target_labelled=few)
    assert messages(no_label_is_tested_on, run) == []
    assert messages(source_can_be_learnt_from, run) == []
