"""The export to ONNX, and what its file alone tells."""

import json
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.apis.tiny import CLASSES, NORM, PALETTE, write_run

ROOT = Path(__file__).resolve().parents[2]
onnx = pytest.importorskip('onnx', reason="needs the extra 'onnx'")
for name in ('onnxruntime', 'onnxscript'):
    pytest.importorskip(name, reason="needs the extra 'onnx'")


def test_export_onnx__onnxruntime_agrees_at_sizes_that_were_not_traced(tmp_path):
    write_run(tmp_path)
    picture = np.random.default_rng(0).integers(0, 256, (90, 90, 3)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / 'square.png'), picture)
    command = [sys.executable, 'tools/export_onnx.py', str(tmp_path), '--tolerance', '1e-4']
    command += ['--image', str(tmp_path / 'square.png')]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    lines = re.findall(r'(\d+x\d+): largest difference (\S+), same class in (\S+)%', done.stdout)
    assert [size for size, _, _ in lines] == ['40x40', '35x37']
    assert all(float(difference) <= 1e-4 for _, difference, _ in lines)
    assert re.search(r'onnxruntime \d+ ms, PyTorch \d+ ms', done.stdout)

    model = onnx.load(tmp_path / 'latest.onnx')
    told = {prop.key: json.loads(prop.value) for prop in model.metadata_props}
    assert told['classes'] == CLASSES and told['palette'] == PALETTE
    assert told['mean'] == pytest.approx(NORM['mean']) and told['to_rgb'] is True
