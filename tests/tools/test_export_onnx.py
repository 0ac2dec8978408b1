"""The export to ONNX, and what its file alone tells."""

import json
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmseg.apis import Segmenter, init_segmentor, load_config
from mmseg.utils.errors import UserError
from tests.apis.tiny import CLASSES, CROP, NORM, PALETTE, write_config, write_run
from tools import test as tested

ROOT = Path(__file__).resolve().parents[2]
onnx = pytest.importorskip('onnx', reason="needs the extra 'onnx'")
for name in ('onnxruntime', 'onnxscript'):
    pytest.importorskip(name, reason="needs the extra 'onnx'")

onnx_file = pytest.importorskip('mmseg.apis.onnx_file')
export_onnx = pytest.importorskip('tools.export_onnx')


@pytest.fixture(scope='module')
def exported(tmp_path_factory):
    """Export a tiny run; return its work dir and what was printed."""
    folder = tmp_path_factory.mktemp('run')
    write_run(folder)
    picture = np.random.default_rng(0).integers(0, 256, (90, 90, 3)).astype(np.uint8)
    cv2.imwrite(str(folder / 'square.png'), picture)
    command = [sys.executable, 'tools/export_onnx.py', str(folder), '--tolerance', '1e-4']
    command += ['--image', str(folder / 'square.png')]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def test_export_onnx__onnxruntime_agrees_at_sizes_that_were_not_traced(exported):
    folder, printed = exported
    lines = re.findall(r'(\d+×\d+): largest difference (\S+), same class in (\S+)%', printed)
    assert [size for size, _, _ in lines] == ['40×40', '35×37']
    assert all(float(difference) <= 1e-4 for _, difference, _ in lines)
    assert re.search(r'onnxruntime \d+ ms, PyTorch \d+ ms', printed)

    model = onnx.load(folder / 'latest.onnx')
    told = {prop.key: json.loads(prop.value) for prop in model.metadata_props}
    assert told['classes'] == CLASSES and told['palette'] == PALETTE
    assert told['mean'] == pytest.approx(NORM['mean']) and told['to_rgb'] is True
    windows = {'crop_size': CROP, 'stride': [21, 32]}
    assert told['test_cfg'] == {'mode': 'whole', **windows} and told['fixed_size'] is None


def test_export_onnx__the_file_takes_the_place_of_a_checkpoint(exported):
    folder, _ = exported
    cfg = load_config(folder / 'config.json', ['model.test_cfg.mode=slide'])
    files = (folder / 'latest.pth', folder / 'latest.onnx')
    ours, theirs = (init_segmentor(cfg, file, 'cpu') for file in files)
    assert theirs.test_cfg == ours.test_cfg and theirs.test_cfg.mode == 'slide'
    assert theirs.CLASSES == CLASSES and theirs.PALETTE == PALETTE
    rng = np.random.default_rng(0)
    for size in ((32, 48), (77, 101), (40, 57)):
        picture = rng.integers(0, 256, (*size, 3), np.uint8)
        expected, seen = (Segmenter(network, 1.0)([picture])[0] for network in (ours, theirs))
        np.testing.assert_allclose(seen.confidence, expected.confidence, atol=1e-4)
        assert np.mean(seen.labels == expected.labels) > 0.999
    (small,) = Segmenter(theirs, 1.0)([rng.integers(0, 256, (20, 30, 3), np.uint8)])
    assert small.labels.shape == (20, 30)


def test_test__an_onnx_file_is_tested_as_the_checkpoint_it_was_made_of(
    exported, tmp_path, monkeypatch, capsys
):
    folder, _ = exported
    maps = []
    for name in ('latest.pth', 'latest.onnx'):
        out = tmp_path / name
        arguments = ['test', str(folder / 'config.json'), str(folder / name), '--out', str(out)]
        monkeypatch.setattr(sys, 'argv', arguments)
        tested.main()
        assert 'mIoU' in capsys.readouterr().out
        files = sorted(out.glob('*_labels.png'))
        maps.append(np.stack([cv2.imread(str(file), cv2.IMREAD_UNCHANGED) for file in files]))
    assert len(maps[0]) == 3 and np.mean(maps[0] == maps[1]) > 0.999


def test_export_onnx__a_file_that_differs_does_not_stay(tmp_path, monkeypatch):
    write_run(tmp_path)
    picture = tmp_path / 'square.png'
    cv2.imwrite(str(picture), np.zeros((90, 90, 3), np.uint8))
    (tmp_path / 'old.onnx').write_text('of another day')
    written = []

    def export(network, path, metadata, num_bands, window):
        path.write_text('a graph')
        written.append(path)

    def compare(network, path, image):
        size = tuple(image.shape[:1:-1])
        return onnx_file.Comparison(size, 0.0 if size == (40, 40) else 0.41, 0.9, '')

    monkeypatch.setattr(export_onnx, 'export', export)
    monkeypatch.setattr(export_onnx, 'compare', compare)
    for name in ('new.onnx', 'old.onnx'):
        arguments = ['export_onnx', str(tmp_path), '--out', str(tmp_path / name)]
        monkeypatch.setattr(sys, 'argv', [*arguments, '--image', str(picture)])
        with pytest.raises(UserError, match=r'largest difference 4.1e-01, .*no file is left'):
            export_onnx.main()
    assert len(written) == 2 and not any(path.exists() for path in written)
    assert not (tmp_path / 'new.onnx').exists()
    assert (tmp_path / 'old.onnx').read_text() == 'of another day'


def test_export_onnx__a_file_that_is_exported_already_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['export_onnx', 'config.json', str(tmp_path / 'x.onnx')])
    with pytest.raises(UserError, match='is exported already: give the checkpoint'):
        export_onnx.main()


def test_init_segmentor__onnx_files_that_are_none_are_told(tmp_path):
    config = write_config(tmp_path)
    (tmp_path / 'broken.onnx').write_text('no graph')
    for name, told in (('absent', 'no network at'), ('broken', 'is no ONNX file that')):
        with pytest.raises(UserError, match=told):
            init_segmentor(config, tmp_path / f'{name}.onnx', 'cpu')
    with pytest.raises(UserError, match='holds one network: leave --ema out'):
        init_segmentor(config, tmp_path / 'broken.onnx', 'cpu', 'ema_model')
