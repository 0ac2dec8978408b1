"""The tools as a user runs them: real processes, real files, a tiny data set."""

import json
import os
import subprocess
import sys
from functools import partial
from importlib import import_module
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from mmseg.core.checkpoint import read_checkpoint
from mmseg.utils.cli import run_cli
from tests.apis.tiny import CLASSES, write_config
from tools.train import start_of_run

ROOT = Path(__file__).resolve().parents[2]


def tool(name: str, *arguments: object) -> subprocess.CompletedProcess:
    command = [sys.executable, str(ROOT / 'tools' / f'{name}.py'), *map(str, arguments)]
    environment = {**os.environ, 'OMP_NUM_THREADS': '1', 'CUDA_VISIBLE_DEVICES': ''}
    environment.pop('DIDA_TRACEBACK', None)
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def succeed(*arguments: object) -> str:
    done = tool(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = (done.stdout + done.stderr).splitlines()
    assert max(map(len, lines)) <= 120, max(lines, key=len)
    return done.stdout


def fail(capsys, monkeypatch, name: str, *arguments: object) -> str:
    """Run a tool that must end with one line, in this process: a new one takes seconds."""
    monkeypatch.setattr(sys, 'argv', [name, *map(str, arguments)])
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    capsys.readouterr()
    with pytest.raises(SystemExit) as caught:
        run_cli(import_module(f'tools.{name}').main)
    line = capsys.readouterr().err
    assert caught.value.code == 1
    assert line.startswith('error: ') and line.count('\n') == 1, line
    return line


@pytest.fixture(scope='module', params=['source_only', 'uda'])
def trained(request, tmp_path_factory):
    """A finished run: its config and its work dir."""
    folder = tmp_path_factory.mktemp(request.param)
    config = write_config(folder, uda=request.param == 'uda')
    succeed('train', config, '--work-dir', folder / 'run')
    return config, folder / 'run'


def test_train__leaves_config_logs_checkpoints_and_result(trained):
    config, run = trained
    names = set(os.listdir(run))
    assert {'config.json', 'iter_1.pth', 'iter_2.pth', 'latest.pth', 'result.json'} <= names
    assert os.readlink(run / 'latest.pth') == 'iter_2.pth'
    assert len(list(run.glob('*.log'))) == len(list(run.glob('*.log.json'))) == 1
    (log,) = run.glob('*.log')
    assert '"samples_per_gpu": 2' in log.read_text()
    meta = read_checkpoint(run / 'latest.pth')['meta']
    assert meta['CLASSES'] == CLASSES and meta['iter'] == 2 and meta['seed'] == 3
    assert json.loads(meta['config'])['name'] == 'tiny'
    result = json.loads((run / 'result.json').read_text())
    assert set(result['IoU']) == set(CLASSES) and 0 <= result['mIoU'] <= 100
    assert set(result['extra']) == {'mIoU3'}
    is_uda = config.stem == 'uda'
    assert (result['mIoU_teacher'] is not None) == is_uda
    assert (run / 'debug' / '000001.png').exists() == is_uda


def test_train__leaves_a_report_that_lacks_nothing(trained):
    config, run = trained
    page = (run / 'report.html').read_text(encoding='utf-8')
    assert f'tools/train.py {config} --work-dir {run}' in page
    assert 'Not in this report' not in page and 'id="examples"' in page
    assert ('Instance bank</h2>' in page) == (config.stem == 'uda')


def test_train__resumed_half_way_ends_with_the_same_weights(trained, tmp_path):
    config, run = trained
    succeed('train', config, '--work-dir', tmp_path, '--resume-from', run / 'iter_1.pth')
    whole = read_checkpoint(run / 'iter_2.pth')['state_dict']
    resumed = read_checkpoint(tmp_path / 'iter_2.pth')['state_dict']
    assert whole.keys() == resumed.keys()
    assert [key for key in whole if not torch.equal(whole[key], resumed[key])] == []


def test_test__writes_predictions_and_the_table_that_it_prints(trained):
    _, run = trained
    printed = succeed('test', run)
    report = (run / 'preds' / 'pre_log.out').read_text()
    assert report in printed
    assert all(f'\n{name} ' in report for name in [*CLASSES, 'mIoU', 'mIoU3'])
    result = json.loads((run / 'result.json').read_text())
    rows = dict(line.split()[:2] for line in report.splitlines() if len(line.split()) >= 2)
    assert rows['mIoU'] == f'{result["mIoU"]:.2f}'
    labels = cv2.imread(str(run / 'preds' / '1_labels.png'), -1)
    assert labels.shape == (40, 56) and labels.max() < 5
    for name in ('1.png', '1_color.png'):
        assert cv2.imread(str(run / 'preds' / name)).shape == (40, 56, 3)


def test_test__the_teacher_of_a_source_only_run_is_missed_in_one_line(
    trained, tmp_path, capsys, monkeypatch
):
    config, run = trained
    arguments = ('test', config, run / 'latest.pth', '--teacher', '--out', tmp_path / 'preds')
    if config.stem == 'uda':
        assert 'network:    teacher' in succeed(*arguments)
        assert (tmp_path / 'preds' / 'pre_log.out').is_file()
    else:
        assert 'no teacher' in fail(capsys, monkeypatch, *arguments)


def test_demo__any_image_size_gives_pictures_of_that_size(trained, tmp_path):
    config, run = trained
    picture = np.random.default_rng(0).integers(0, 255, (37, 91, 3)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / 'photo.png'), picture)
    out = ('--out-dir', tmp_path / 'out')
    succeed('demo', config, run / 'latest.pth', tmp_path / 'photo.png', *out)
    for name in ('photo_overlay.png', 'photo_color.png'):
        assert cv2.imread(str(tmp_path / 'out' / name)).shape == (37, 91, 3)


def test_mistakes__each_is_one_line_and_exit_code_1(trained, tmp_path, capsys, monkeypatch):
    config, run = trained
    checkpoint = run / 'latest.pth'
    work = ('--work-dir', tmp_path / 'run')
    (tmp_path / 'broken.json').write_text('{"model": ')
    cases = {
        'no config file at': ('train', tmp_path / 'gone.py'),
        'broken.json, line 1: not JSON': ('train', tmp_path / 'broken.json'),
        "'modle' is read by nobody; did you mean 'model'": (
            *('train', config, *work, '--options', 'modle.pretrained=x'),
        ),
        'GPU 0 was asked for': ('train', config, *work, '--gpu', 0),
        'does not exist': ('test', config, checkpoint, '--options', 'data.test.img_dir=nowhere'),
        'no checkpoint file at': ('test', config, tmp_path / 'gone.pth'),
        'no work dir at': ('test', tmp_path / 'gone'),
        'classes differ: the checkpoint ': (
            *('test', config, checkpoint, '--options', 'model.decode_head.num_classes=4'),
        ),
        'no picture or video at': ('demo', config, checkpoint, tmp_path / 'gone.png'),
    }
    for message, arguments in cases.items():
        assert message in fail(capsys, monkeypatch, *arguments)
    assert not (tmp_path / 'run' / 'latest.pth').exists()


def test_train__a_cut_off_image_is_skipped_with_a_warning_or_stops_a_strict_run(
    tmp_path, capsys, monkeypatch
):
    config = write_config(tmp_path)
    for path in sorted((tmp_path / 'source' / 'images').iterdir())[1:]:
        path.write_bytes(path.read_bytes()[:60])
    arguments = ('train', config, '--work-dir', tmp_path / 'run', '--no-validate')
    warnings = succeed(*arguments)
    assert 'warning: ' in warnings and 'skipped so far' in warnings
    strict = ('train', config, '--work-dir', tmp_path / 'strict', '--no-validate', '--strict')
    stop = partial(fail, capsys, monkeypatch, *strict)
    assert '.png' in stop()
    assert '.png' in stop('--options', 'data.workers_per_gpu=1')


def test_start_of_run__two_runs_of_one_second_have_logs_of_their_own(tmp_path):
    first = start_of_run(tmp_path)
    (tmp_path / f'{first}.log').touch()
    second = start_of_run(tmp_path)
    assert second > first and len(second) == len(first)
