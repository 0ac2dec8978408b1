"""The long proofs of reliability, made short: they run, and find what they should find."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def output_of(name, *options):
    command = [sys.executable, f'benchmarks/{name}.py', *map(str, options)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_kill_resume__a_killed_run_ends_as_one_that_was_not(tmp_path):
    said = output_of('kill_resume', '--kills', 2, '--iterations', 12, '--folder', tmp_path)
    assert re.search(r'^2 kills ', said, re.MULTILINE)
    assert 'compared with the unbroken one, differences: 0' in said


def test_long_run__reads_memory_files_and_speed_to_the_end(tmp_path):
    said = output_of('long_run', '--iterations', 80, '--folder', tmp_path)
    readings = re.findall(r'^ +(\d+) +\d+ +\d+ +\d+ +[\d.]+$', said, re.MULTILINE)
    assert [int(iteration) for iteration in readings] == list(range(4, 81, 4))
    assert 'iter_80.pth, latest.pth' in said
