import numpy as np
import pytest

from mmseg.datasets.pipelines import LoadAnnotations, LoadImageFromFile
from mmseg.datasets.pipelines.loading import remap_label
from mmseg.utils.errors import UserError

from ..layouts import photograph, write_png


def image_results(folder, **kwargs):
    write_png(folder / 'a.png', photograph(0, 6, 9))
    return {'img_prefix': str(folder), 'img_info': {'filename': 'a.png'}, **kwargs}


def test_load_image__says_what_it_read(tmp_path):
    results = LoadImageFromFile()(image_results(tmp_path))
    np.testing.assert_array_equal(results['img'], photograph(0, 6, 9))
    assert results['filename'] == str(tmp_path / 'a.png') and results['ori_filename'] == 'a.png'
    assert results['img_shape'] == results['ori_shape'] == results['pad_shape'] == (6, 9, 3)
    assert results['scale_factor'] == 1 and results['img'].dtype == np.uint8


@pytest.mark.parametrize(
    ('color_type', 'shape'), [('color', (6, 9, 3)), ('grayscale', (6, 9)), ('unchanged', (6, 9, 3))]
)
def test_load_image__color_types(tmp_path, color_type, shape):
    results = LoadImageFromFile(to_float32=True, color_type=color_type)(image_results(tmp_path))
    assert results['img'].shape == shape and results['img'].dtype == np.float32


def test_load_image__unknown_color_type():
    with pytest.raises(UserError, match="got 'rgb'"):
        LoadImageFromFile(color_type='rgb')


@pytest.mark.parametrize('dtype', [np.uint8, np.uint16])
def test_load_annotations__gives_bytes(tmp_path, dtype):
    label = np.arange(54).reshape(6, 9).astype(dtype)
    write_png(tmp_path / 'l.png', label)
    results = {'seg_prefix': str(tmp_path), 'ann_info': {'seg_map': 'l.png'}, 'seg_fields': []}
    results = LoadAnnotations()(results)
    np.testing.assert_array_equal(results['gt_semantic_seg'], label)
    assert results['gt_semantic_seg'].dtype == np.uint8
    assert results['seg_fields'] == ['gt_semantic_seg']


def test_load_annotations__values_above_a_byte_are_refused(tmp_path):
    write_png(tmp_path / 'l.png', np.full((3, 4), 256, np.uint16))
    with pytest.raises(UserError, match=r'l\.png holds 256'):
        LoadAnnotations()({'seg_prefix': str(tmp_path), 'ann_info': {'seg_map': 'l.png'}})


def test_remap_label__renames_all_at_once():
    label = np.array([[0, 1, 2, 255]], np.uint8)
    renamed = remap_label(label, {0: 1, 1: 0, 2: -1}, reduce_zero_label=False)
    np.testing.assert_array_equal(renamed, [[1, 0, 255, 255]])


def test_remap_label__reduce_zero_label_keeps_what_is_ignored():
    label = np.array([[0, 1, 2, 255]], np.uint8)
    np.testing.assert_array_equal(remap_label(label, None, True), [[255, 0, 1, 255]])


def test_load_image__twelve_bits_need_to_know_white(tmp_path):
    pixels = photograph(0, 6, 9).astype(np.uint16) * 16
    write_png(tmp_path / 'a.png', pixels)
    results = {'img_prefix': str(tmp_path), 'img_info': {'filename': 'a.png'}}
    with pytest.raises(UserError, match=r'a\.png holds values up to .*max_value=4095'):
        LoadImageFromFile()(dict(results))
    image = LoadImageFromFile(max_value=4095)(dict(results))['img']
    np.testing.assert_array_equal(image, np.rint(pixels * (255 / 4095)).astype(np.uint8))


@pytest.mark.parametrize('max_value', [0, -1, float('nan')])
def test_load_image__white_is_above_black(max_value):
    with pytest.raises(UserError, match='max_value must be above 0'):
        LoadImageFromFile(max_value=max_value)


@pytest.mark.parametrize('dtype', [np.int16, np.float32, np.int32])
@pytest.mark.parametrize(('value', 'is_label'), [(3, True), (-1, False), (256, False)])
def test_load_annotations__other_numbers_are_whole_and_small(tmp_path, dtype, value, is_label):
    write_png(tmp_path / 'l.tiff', np.full((3, 4), value, dtype))
    results = {'seg_prefix': str(tmp_path), 'ann_info': {'seg_map': 'l.tiff'}}
    if is_label:
        np.testing.assert_array_equal(LoadAnnotations()(results)['gt_semantic_seg'], value)
        return
    with pytest.raises(UserError, match=rf'l\.tiff holds {value}.*: expected whole numbers'):
        LoadAnnotations()(results)


@pytest.mark.parametrize('ignored', [0, 2, 5, 17, 254, 300, 65535])
def test_load_annotations__what_files_hold_for_ignored_becomes_255(tmp_path, ignored):
    label = np.array([[0, 1, 2], [3, 4, 255]], np.uint8 if ignored < 256 else np.uint16)
    label[1, 0] = ignored
    write_png(tmp_path / 'l.png', label)
    results = {'seg_prefix': str(tmp_path), 'ann_info': {'seg_map': 'l.png'}}
    results |= {'num_classes': 5, 'ignore_index': ignored}
    expected = np.where(label == ignored, 255, label)
    np.testing.assert_array_equal(LoadAnnotations()(results)['gt_semantic_seg'], expected)


@pytest.mark.parametrize(('ignored', 'found'), [(255, 5), (4, 5), (300, 5)])
def test_load_annotations__another_label_beyond_the_classes_is_refused(tmp_path, ignored, found):
    write_png(tmp_path / 'l.png', np.array([[0, found]], np.uint8))
    results = {'seg_prefix': str(tmp_path), 'ann_info': {'seg_map': 'l.png'}}
    with pytest.raises(UserError, match=f'holds {found}: expected 0 to 4, or {ignored}'):
        LoadAnnotations()({**results, 'num_classes': 5, 'ignore_index': ignored})


@pytest.mark.parametrize(
    ('ignored', 'reduce_zero_label', 'expected'),
    [
        (0, False, [255, 0, 255, 4, 255]),
        (1, False, [2, 255, 255, 4, 255]),
        (4, False, [2, 0, 255, 255, 255]),
        (4, True, [255, 0, 1, 255, 255]),
        (0, True, [255, 0, 1, 3, 255]),
    ],
)
def test_remap_label__the_ignored_label_is_that_of_the_files(ignored, reduce_zero_label, expected):
    label = np.array([[0, 1, 2, 4, 255]], np.uint8)
    label_map = None if reduce_zero_label else {0: 2, 1: 0, 2: -1}
    renamed = remap_label(label, label_map, reduce_zero_label, ignored)
    np.testing.assert_array_equal(renamed, [expected])
