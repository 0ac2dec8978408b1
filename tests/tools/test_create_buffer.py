import subprocess
import sys

import numpy as np

from mmseg.models.uda.instance_bank import InstanceBank


def create(*args):
    command = [sys.executable, 'create_buffer.py', *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True)


def test_create_buffer__writes_unit_vectors_that_count_as_unfilled(tmp_path):
    done = create(tmp_path / 'bank', '--num-entries', 7, '--dim', 5)
    assert done.returncode == 0, done.stderr
    bank = InstanceBank.from_file(tmp_path / 'bank', dim=5, num_classes=3)
    assert bank.num_filled == 0
    np.testing.assert_allclose(bank.features.norm(dim=1), np.ones(7), rtol=1e-5)
    assert bank.labels.tolist() == [-1] * 7


def test_create_buffer__no_entries_is_one_line_of_error(tmp_path):
    done = create(tmp_path, '--num-entries', 0)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith('error: expected at least one entry')
