import subprocess
import sys
from pathlib import Path

import pytest

from mmseg.experiments.evidence import read_rows, write_rows
from tests.experiments.test_evidence import ROWS

ROOT = Path(__file__).resolve().parents[2]


def compare(*arguments):
    command = [sys.executable, 'tools/compare_methods.py', *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_compare_methods__draws_tables_from_the_rows_that_are_kept(tmp_path):
    write_rows(ROWS, tmp_path / 'rows.json')
    done = compare('--keep', tmp_path / 'rows.json', '--classes')
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith('\ngame2camvid, 450 iterations\n\n| method |')
    assert '| road | 32.0 ± 2.0 |' in done.stdout
    assert len(read_rows(tmp_path / 'rows.json')) == len(ROWS)


@pytest.mark.parametrize(
    ('arguments', 'line'),
    [
        (['/nowhere'], 'error: there is no folder /nowhere'),
        (['tests/tools'], 'error: no finished run of an experiment is there'),
    ],
)
def test_compare_methods__what_cannot_be_compared_is_told_in_a_line(arguments, line):
    done = compare(*arguments)
    assert done.returncode == 1 and done.stderr.splitlines() == [line]
