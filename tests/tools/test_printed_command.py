"""The command that a stopped run prints is typed into a shell, and goes on with the run."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.apis.tiny import write_config

ROOT = Path(__file__).resolve().parents[2]
SHELL = shutil.which('dash') or 'sh'
NUM_ITERS, WIDTHS = 60, [8, 8, 16, 16]


@pytest.fixture
def config(tmp_path):
    path = write_config(
        tmp_path,
        runner={'type': 'IterBasedRunner', 'max_iters': NUM_ITERS},
        checkpoint_config={'interval': NUM_ITERS},
        evaluation={'interval': NUM_ITERS},
    )
    content = json.loads(path.read_text())
    encoder = {'embed_dims': WIDTHS, 'depths': [1] * 4, 'num_heads': [1] * 4}
    content['model'] |= {'backbone': encoder}
    content['model']['decode_head'] |= {'in_channels': WIDTHS}
    path.write_text(json.dumps(content))
    return path


def type_in(words, stop_at=None):
    """Run a command as in a terminal; at a line that tells `stop_at`, ask it to stop."""
    environment = {
        **os.environ,
        'OMP_NUM_THREADS': '1',
        'CUDA_VISIBLE_DEVICES': '',
        'VIRTUAL_ENV': sys.prefix,
        'PATH': f'{sys.prefix}/bin{os.pathsep}{os.environ["PATH"]}',
    }
    environment.pop('DIDA_COMMAND', None)
    process = subprocess.Popen(
        [str(word) for word in words],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines = []
    for line in process.stdout:
        lines.append(line)
        if stop_at is not None and stop_at in line:
            process.send_signal(signal.SIGTERM)
            stop_at = None
    return process.wait(), ''.join(lines)


def printed_command(text):
    lines = text.splitlines()
    start = max(number for number, line in enumerate(lines) if 'go on' in line) + 1
    end = next(n for n in range(start, len(lines)) if not lines[n].endswith('\\'))
    return '\n'.join(lines[start : end + 1])


@pytest.mark.parametrize(
    ('begun', 'where'),
    [
        ([SHELL, 'run_config.sh', 'CONFIG', '--seeds', '4'], '--work-root'),
        (
            [sys.executable, 'tools/train.py', 'CONFIG', '--no-validate', '--seed', '4'],
            '--work-dir',
        ),
    ],
    ids=['script', 'python'],
)
def test_printed_command__goes_on_with_the_run_from_a_shell(config, begun, where, tmp_path):
    words = [config if word == 'CONFIG' else word for word in begun]
    place = tmp_path / 'a place'
    code, told = type_in([*words, where, place, '--options', 'log_config.interval=2'], ' 4/60 ')
    assert code == 0, told
    command = printed_command(told)
    assert command.endswith('--resume') and 'log_config.interval=2' in command
    code, told = type_in([SHELL, '-c', command])
    assert code == 0 and 'resumed' in told and '60/60 100%' in told, told
    (run,) = [path.parent for path in place.rglob('config.json')]
    assert json.loads((run / 'config.json').read_text())['seed'] == 4
    assert json.loads((run / 'result.json').read_text()).keys() >= {'mIoU'}
    assert (json.loads((run / 'result.json').read_text())['mIoU'] is None) == (
        '--no-validate' in begun
    )
