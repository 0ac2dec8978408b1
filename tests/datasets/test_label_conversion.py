import json
import os

import numpy as np
import pytest
from PIL import Image

from mmseg.datasets.image_io import read_label
from mmseg.datasets.label_conversion import (
    LabelFile,
    convert_labels,
    labels_beside_images,
    require_writable,
)
from mmseg.datasets.statistics_files import write_statistics
from mmseg.utils.errors import UserError

from .layouts import photograph, truncate, write_gta, write_png

ID_TO_TRAIN_ID = {7: 0, 26: 1}


def labels(folder, num=3):
    files = []
    for i in range(num):
        ids = np.array([[7, 7, 26], [26, 7, 99]], np.uint8)
        ids[0, 0] = 26 if i else 7
        original = write_png(folder / f'{i}.png', ids)
        files.append(LabelFile(original, folder / f'{i}_labelTrainIds.png'))
    return files


def convert(files, out_dir, num_processes=1):
    convert_labels(files, read_label, ID_TO_TRAIN_ID, out_dir, num_processes)


def statistics(folder):
    names = ('sample_class_stats', 'sample_class_stats_dict', 'samples_with_class')
    return [json.loads((folder / f'{name}.json').read_text()) for name in names]


@pytest.mark.parametrize('num_processes', [1, 2])
def test_convert_labels__maps_ids_and_counts_classes(tmp_path, num_processes):
    files = labels(tmp_path)
    convert(files, tmp_path, num_processes)
    np.testing.assert_array_equal(read_label(files[0].converted), [[0, 0, 1], [1, 0, 255]])
    names = [file.converted.as_posix() for file in files]
    first, other = {'0': 3, '1': 2}, {'0': 2, '1': 3}
    stats, by_file, with_class = statistics(tmp_path)
    assert stats == [
        {**pixels, 'file': name} for pixels, name in zip((first, other, other), names, strict=True)
    ]
    assert by_file == dict(zip(names, (first, other, other), strict=True))
    assert with_class['1'] == [[names[0], 2], [names[1], 3], [names[2], 3]]


def test_convert_labels__again_reads_nothing(tmp_path):
    files = labels(tmp_path)
    convert(files, tmp_path)
    expected, times = statistics(tmp_path), [f.converted.stat().st_mtime_ns for f in files]

    def refuse(path):
        raise AssertionError(f'{path} was read again')

    convert_labels(files, refuse, ID_TO_TRAIN_ID, tmp_path)
    assert statistics(tmp_path) == expected
    assert [f.converted.stat().st_mtime_ns for f in files] == times


def test_convert_labels__without_statistics_counts_but_does_not_convert(tmp_path):
    files = labels(tmp_path)
    convert(files, tmp_path)
    expected = statistics(tmp_path)
    (tmp_path / 'sample_class_stats.json').unlink()
    convert_labels(files, None, ID_TO_TRAIN_ID, tmp_path)
    assert statistics(tmp_path) == expected


def test_convert_labels__a_changed_original_is_converted_again(tmp_path):
    files = labels(tmp_path)
    convert(files, tmp_path)
    write_png(files[1].original, np.full((2, 3), 7, np.uint8))
    convert(files, tmp_path)
    assert statistics(tmp_path)[0][1]['0'] == 6
    assert (read_label(files[1].converted) == 0).all()


def test_convert_labels__a_broken_result_of_another_tool_is_made_anew(tmp_path):
    files = labels(tmp_path)
    convert(files, tmp_path)
    expected = statistics(tmp_path)
    truncate(files[0].converted)
    (tmp_path / 'sample_class_stats.json').unlink()
    convert(files, tmp_path)
    assert statistics(tmp_path) == expected


def test_convert_labels__what_is_not_counted_is_converted_only(tmp_path):
    files = labels(tmp_path)
    files[2] = LabelFile(files[2].original, files[2].converted, counted=False)
    convert(files, tmp_path)
    assert files[2].converted.is_file() and len(statistics(tmp_path)[0]) == 2


@pytest.mark.parametrize('shape', [None, (2, 4)])
def test_convert_labels__labels_without_a_fitting_image_are_not_sampled(tmp_path, shape, capsys):
    files = labels(tmp_path)
    image = tmp_path / 'image.png'
    if shape is not None:
        write_png(image, photograph(0, *shape))
    files[1] = LabelFile(files[1].original, files[1].converted, image)
    convert(files, tmp_path)
    assert len(statistics(tmp_path)[0]) == 2
    assert '1 labels left out of the statistics' in capsys.readouterr().out


@pytest.mark.parametrize('num_processes', [1, 2])
def test_convert_labels__unreadable_label_is_named_and_the_rest_is_kept(tmp_path, num_processes):
    files = labels(tmp_path, num=12)
    truncate(files[9].original)
    with pytest.raises(UserError, match=r'9\.png'):
        convert(files, tmp_path, num_processes)
    assert files[0].converted.is_file() and not files[9].converted.exists()
    assert not list(tmp_path.glob('.*'))


def test_convert_labels__colours_are_refused(tmp_path):
    original = write_png(tmp_path / '0.png', photograph(0, 3, 4))
    with pytest.raises(UserError, match=r'0\.png holds 3 channels, not label ids'):
        convert([LabelFile(original, tmp_path / 'out.png')], tmp_path)


def test_convert_labels__an_empty_folder_is_an_error(tmp_path):
    with pytest.raises(UserError, match='no label found'):
        convert([], tmp_path)


def test_write_statistics__paths_have_forward_slashes(tmp_path):
    write_statistics(tmp_path, {'data\\gta\\1.png': {'3': 4}})
    assert statistics(tmp_path)[0] == [{'3': 4, 'file': 'data/gta/1.png'}]


def paired(folder, num=3):
    """Labels with an image each."""
    return [
        LabelFile(
            file.original, file.converted, write_png(folder / f'image{i}.jpg', photograph(i, 2, 3))
        )
        for i, file in enumerate(labels(folder, num))
    ]


def counted(folder):
    return [entry['file'][-len('0_labelTrainIds.png')] for entry in statistics(folder)[0]]


def test_convert_labels__again_leaves_out_labels_whose_image_is_gone(tmp_path):
    files = paired(tmp_path)
    convert(files, tmp_path)
    assert counted(tmp_path) == ['0', '1', '2']
    files[1].image.unlink()
    convert(files, tmp_path)
    assert counted(tmp_path) == ['0', '2']
    write_png(files[1].image, photograph(1, 2, 3))
    convert(files, tmp_path)
    assert counted(tmp_path) == ['0', '1', '2']


def test_convert_labels__again_leaves_out_labels_that_are_gone_or_no_longer_counted(tmp_path):
    files = paired(tmp_path)
    convert(files, tmp_path)
    convert(files[:2], tmp_path)
    assert counted(tmp_path) == ['0', '1']
    files[0] = LabelFile(files[0].original, files[0].converted, counted=False)
    convert(files, tmp_path)
    assert counted(tmp_path) == ['1', '2']


def test_convert_labels__again_looks_at_images_that_changed(tmp_path):
    files = paired(tmp_path)
    convert(files, tmp_path)
    write_png(files[2].image, photograph(2, 3, 3))
    os.utime(files[2].image, (2**32, 2**32))
    convert(files, tmp_path)
    assert counted(tmp_path) == ['0', '1']


def test_convert_labels__no_image_at_all_is_one_line_and_converts_nothing(tmp_path):
    files = paired(tmp_path)
    for file in files:
        file.image.rename(file.image.with_suffix('.JPG'))
    with pytest.raises(UserError, match=r'no label has an image: .*image0\.jpg.*3 \*\.JPG.*suffix'):
        convert(files, tmp_path)
    assert not list(tmp_path.glob('*.json')) and not files[0].converted.exists()


def test_convert_labels__without_any_fitting_image_no_statistics_are_written(tmp_path):
    files = paired(tmp_path)
    for file in files:
        write_png(file.image, photograph(0, 5, 5))
    with pytest.raises(UserError, match=r'no label can be sampled.*0\.png is 3×2, .*5×5 pixels'):
        convert(files, tmp_path)
    assert not list(tmp_path.glob('*.json'))


@pytest.mark.parametrize('orientation', range(1, 9))
def test_convert_labels__photographs_count_as_they_are_shown(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    shape = (6, 9) if orientation < 5 else (9, 6)
    original = write_png(tmp_path / '0.png', np.full(shape, 7, np.uint8))
    Image.fromarray(photograph(0, 6, 9)).save(tmp_path / 'a.jpg', exif=exif)
    convert([LabelFile(original, tmp_path / 'out.png', tmp_path / 'a.jpg')], tmp_path)
    assert statistics(tmp_path)[0][0]['0'] == 54


def test_labels_beside_images__links_and_other_suffixes_are_found(tmp_path):
    write_gta(tmp_path / 'store')
    root = tmp_path / 'gta'
    (root / 'labels').mkdir(parents=True)
    (root / 'labels/part').symlink_to(tmp_path / 'store/labels')
    write_png(root / 'images/part/00001.jpg', photograph(0, 4, 4))
    files = labels_beside_images(root, 'labels', 'images', tmp_path / 'out')
    assert [file.original.name for file in files] == [f'0000{i}.png' for i in (1, 2, 3, 4)]
    assert files[0].image == root / 'images/part/00001.jpg'
    assert files[1].image == root / 'images/part/00002.png'
    assert files[0].converted == tmp_path / 'out/labels/part/00001_labelTrainIds.png'


def test_require_writable__names_the_option(tmp_path, monkeypatch):
    require_writable([tmp_path / 'new/folder'])
    monkeypatch.setattr(os, 'access', lambda path, mode: False)
    with pytest.raises(UserError, match=r'read-only: name a folder .* with --out-dir'):
        require_writable([tmp_path / 'new/folder'])
