"""The export to ONNX, and what its file alone tells."""

import json
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmseg.utils.errors import UserError
from tests.apis.tiny import CLASSES, NORM, PALETTE, write_run

ROOT = Path(__file__).resolve().parents[2]
onnx = pytest.importorskip('onnx', reason="needs the extra 'onnx'")
for name in ('onnxruntime', 'onnxscript'):
    pytest.importorskip(name, reason="needs the extra 'onnx'")

onnx_file = pytest.importorskip('mmseg.apis.onnx_file')
export_onnx = pytest.importorskip('tools.export_onnx')


def test_export_onnx__onnxruntime_agrees_at_sizes_that_were_not_traced(tmp_path):
    write_run(tmp_path)
    picture = np.random.default_rng(0).integers(0, 256, (90, 90, 3)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / 'square.png'), picture)
    command = [sys.executable, 'tools/export_onnx.py', str(tmp_path), '--tolerance', '1e-4']
    command += ['--image', str(tmp_path / 'square.png')]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    lines = re.findall(r'(\d+×\d+): largest difference (\S+), same class in (\S+)%', done.stdout)
    assert [size for size, _, _ in lines] == ['40×40', '35×37']
    assert all(float(difference) <= 1e-4 for _, difference, _ in lines)
    assert re.search(r'onnxruntime \d+ ms, PyTorch \d+ ms', done.stdout)

    model = onnx.load(tmp_path / 'latest.onnx')
    told = {prop.key: json.loads(prop.value) for prop in model.metadata_props}
    assert told['classes'] == CLASSES and told['palette'] == PALETTE
    assert told['mean'] == pytest.approx(NORM['mean']) and told['to_rgb'] is True


def test_export_onnx__a_file_that_differs_does_not_stay(tmp_path, monkeypatch):
    write_run(tmp_path)
    picture = tmp_path / 'square.png'
    cv2.imwrite(str(picture), np.zeros((90, 90, 3), np.uint8))
    (tmp_path / 'old.onnx').write_text('of another day')
    written = []

    def export(network, path, metadata, num_bands):
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
