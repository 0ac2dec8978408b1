import json
import os
import shlex
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from mmseg.datasets import CityscapesDataset, GTADataset, RareClassDataset, SynthiaDataset
from mmseg.datasets.image_io import read_label
from mmseg.utils.errors import UserError
from tests.datasets.layouts import (
    label_ids,
    photograph,
    write_cityscapes,
    write_gta,
    write_palette_png,
    write_png,
    write_synthia,
)

ROOT = Path(__file__).parents[2]


def command(name, root, *options):
    tool = ROOT / f'tools/convert_datasets/{name}.py'
    return [sys.executable, str(tool), str(root), *options]


def convert(name, root, *options):
    """Run a converter from another folder, as a user may."""
    return subprocess.run(
        command(name, root, *options), cwd=root.parent, capture_output=True, text=True, timeout=120
    )


def test_gta__palette_labels_become_train_ids(tmp_path):
    root = write_gta(tmp_path / 'gta')
    done = convert('gta', root, '--nproc', '2')
    assert done.returncode == 0, done.stderr
    ids, labels = label_ids(0, 32, 48), read_label(root / 'labels/00001_labelTrainIds.png')
    expected = np.full_like(ids, 255)
    for label_id, train_id in ((7, 0), (11, 2), (23, 10), (26, 13)):
        expected[ids == label_id] = train_id
    np.testing.assert_array_equal(labels, expected)
    stats = json.loads((root / 'sample_class_stats.json').read_text())
    assert [Path(s['file']).name for s in stats] == [
        f'0000{i}_labelTrainIds.png' for i in (1, 2, 3, 4)
    ]
    assert stats[0]['13'] == 36 and stats[3]['16'] == 36
    assert max(map(len, (done.stdout + done.stderr).replace('\r', '\n').splitlines())) < 120

    again = convert('gta', root)
    assert '4 labels: 0 converted or counted, 4 kept' in again.stdout


def test_synthia__the_class_stands_in_the_last_channel(tmp_path):
    root = write_synthia(tmp_path / 'synthia')
    done = convert('synthia', root)
    assert done.returncode == 0, done.stderr
    labels = read_label(root / 'GT/LABELS/0000000_labelTrainIds.png')
    expected = np.full((20, 28), 2)
    expected[10:] = 0
    expected[-4:, -4:] = 13
    np.testing.assert_array_equal(labels, expected)
    found = json.loads((root / 'samples_with_class.json').read_text())
    assert [count for _, count in found['13']] == [16] * 3


def test_cityscapes__polygons_stand_in_for_missing_label_ids(tmp_path):
    root = write_cityscapes(tmp_path / 'cityscapes', num=1)
    folder = root / 'gtFine/train/aachen'
    (folder / 'aachen_000000_000019_gtFine_labelIds.png').unlink()
    shapes = [
        {'label': 'road', 'polygon': [[0, 10], [19, 10], [19, 15], [0, 15]]},
        {'label': 'cargroup', 'polygon': [[4, 2], [8, 2], [8, 6], [4, 6]]},
        {'label': 'license plate', 'polygon': [[5, 3], [6, 3], [6, 4], [5, 4]]},
    ]
    annotation = {'imgHeight': 16, 'imgWidth': 20, 'objects': shapes}
    polygons = folder / 'aachen_000000_000019_gtFine_polygons.json'
    polygons.write_text(json.dumps(annotation))
    # Where label ids stand beside polygons, these are not looked at.
    (root / 'gtFine/val/lindau/lindau_000000_000019_gtFine_polygons.json').write_text('nothing')

    done = convert('cityscapes', root, '--nproc', '2')
    assert done.returncode == 0, done.stderr
    expected = np.full((16, 20), 255)
    expected[10:] = 0
    expected[2:7, 4:9] = 13
    labels = read_label(folder / 'aachen_000000_000019_gtFine_labelTrainIds.png')
    np.testing.assert_array_equal(labels, expected)
    assert (root / 'gtFine/val/lindau/lindau_000000_000019_gtFine_labelTrainIds.png').is_file()
    stats = json.loads((root / 'sample_class_stats_dict.json').read_text())
    assert sorted(Path(f).name[:6] for f in stats) == ['aachen', 'bochum']


def test_options__published_names_and_another_folder_for_statistics(tmp_path):
    write_png(tmp_path / 'set/images/1.png', photograph(0, 20, 20))
    write_palette_png(tmp_path / 'set/masks/1.png', label_ids(0, 20, 20))
    done = convert('gta', tmp_path / 'set', '--gt-dir', 'masks', '-o', str(tmp_path / 'out'))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / 'out/sample_class_stats.json').is_file()


@pytest.mark.parametrize('name', ['gta', 'cityscapes'])
def test_missing_folder__is_one_line(tmp_path, name):
    done = convert(name, tmp_path / 'nothing')
    assert done.returncode == 1 and 'Traceback' not in done.stderr
    (line,) = [x for x in done.stderr.splitlines() if x.startswith('error: ')]
    assert 'does not exist' in line and 'nothing' in line


@pytest.mark.parametrize(
    ('stop', 'num_processes'), [(signal.SIGKILL, '2'), (signal.SIGINT, '2'), (signal.SIGINT, '1')]
)
def test_interruption__leaves_no_half_file_and_is_taken_up(tmp_path, stop, num_processes):
    root, num = tmp_path / 'gta', 40
    ids = photograph(0, 700, 700)[..., 0] % 34  # noise takes its time to write
    first = write_png(root / 'labels/0.png', ids)
    for i in range(1, num):
        os.link(first, root / f'labels/{i}.png')
    run = subprocess.Popen(
        command('gta', root, '--nproc', num_processes),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        # A shell starts what it puts into the background with SIGINT ignored.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 60
    while not list((root / 'labels').glob('*_labelTrainIds.png')):
        assert run.poll() is None and time.monotonic() < deadline
        time.sleep(0.005)
    os.killpg(run.pid, stop)
    assert run.wait(timeout=60) != 0

    done = sorted((root / 'labels').glob('*_labelTrainIds.png'))
    assert 0 < len(done) < num and not (root / 'sample_class_stats.json').exists()
    whole = read_label(done[0])
    for path in done:
        np.testing.assert_array_equal(read_label(path), whole)
    times = {path: path.stat().st_mtime_ns for path in done}

    assert convert('gta', root).returncode == 0
    assert len(list((root / 'labels').iterdir())) == 2 * num
    assert all(path.stat().st_mtime_ns == before for path, before in times.items())
    assert len(json.loads((root / 'sample_class_stats.json').read_text())) == num


ROOTS = {'gta': write_gta, 'synthia': write_synthia, 'cityscapes': write_cityscapes}
LABELS = {'gta': 'labels', 'synthia': 'GT/LABELS', 'cityscapes': 'gtFine'}
SETS = {'gta': GTADataset, 'synthia': SynthiaDataset, 'cityscapes': CityscapesDataset}


@pytest.mark.parametrize('name', ROOTS)
def test_out_dir__holds_labels_and_statistics_and_the_data_set_finds_them(tmp_path, name):
    root, out = ROOTS[name](tmp_path / 'set'), tmp_path / 'out'
    before = sorted(root.rglob('*'))
    done = convert(name, root, '--out-dir', str(out))
    assert done.returncode == 0, done.stderr
    assert sorted(root.rglob('*')) == before
    assert f"ann_dir='{out / LABELS[name]}', stats_dir='{out}'" in done.stdout
    images = {'gta': 'images', 'synthia': 'RGB', 'cityscapes': 'leftImg8bit/train'}[name]
    part = '/train' if name == 'cityscapes' else ''
    source = SETS[name](
        pipeline=[{'type': 'LoadImageFromFile'}, {'type': 'LoadAnnotations'}],
        data_root=str(root),
        img_dir=images,
        ann_dir=f'{out / LABELS[name]}{part}',
        stats_dir=str(out),
    )
    assert RareClassDataset(source, min_pixels=10).classes
    assert f'--out-dir {out}' in source.convert_command


@pytest.mark.parametrize('name', ROOTS)
def test_the_command_that_a_data_set_names__mends_statistics_of_images_that_are_gone(
    tmp_path, name
):
    root = ROOTS[name](tmp_path / 'set')
    assert convert(name, root).returncode == 0
    images = {'gta': 'images', 'synthia': 'RGB', 'cityscapes': 'leftImg8bit/train'}[name]
    part = '/train' if name == 'cityscapes' else ''
    next(path for path in sorted((root / images).rglob('*.png'))).unlink()

    def build():
        pipeline = [{'type': 'LoadImageFromFile'}, {'type': 'LoadAnnotations'}]
        folders = {'img_dir': images, 'ann_dir': f'{LABELS[name]}{part}'}
        source = SETS[name](pipeline=pipeline, data_root=str(root), **folders)
        return RareClassDataset(source, min_pixels=10)

    with pytest.raises(UserError, match='is gone or has no image') as error:
        build()
    named = shlex.split(str(error.value).partition('run: python ')[2])
    subprocess.run([sys.executable, *named], cwd=ROOT, check=True, capture_output=True)
    assert build().classes


@pytest.mark.skipif(os.getuid() != 0, reason='needs root for a read-only mount')
@pytest.mark.parametrize('options', [[], ['--out-dir', 'out']])
def test_a_read_only_folder__asks_for_another(tmp_path, options):
    root = write_gta(tmp_path / 'gta')
    mount = f'mount --bind {root} {root} && mount -o remount,ro,bind {root}'
    run = shlex.join(command('gta', root, *options))
    done = subprocess.run(
        ['unshare', '-m', 'sh', '-c', f'{mount} && {run}'],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    if 'mount' in done.stderr or 'unshare' in done.stderr:
        pytest.skip('this machine mounts nothing')
    if options:
        assert done.returncode == 0 and (tmp_path / 'out/sample_class_stats.json').is_file()
        return
    (line,) = [x for x in done.stderr.splitlines() if x.startswith('error: ')]
    assert 'read-only' in line and '--out-dir' in line and 'Traceback' not in done.stderr
