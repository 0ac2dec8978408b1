"""The guide to own data, followed to the letter."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
import torch
from mmcv.utils import Config

from mmseg.apis import build_optimizer
from mmseg.apis.schedule import build_schedule, check_schedule
from mmseg.experiments.table import generate_experiment_cfgs

ROOT = Path(__file__).resolve().parents[1]
GUIDE = (ROOT / 'docs/own_data.md').read_text(encoding='utf-8')
NOT_COPIED = ('data', 'work_dirs', 'pretrained', 'configs', 'tests', '.git', '.venv')

# What stands before a block says where a file goes: `data/mine/source.json`:
BLOCKS = re.findall(r'(?:`([\w./]+)`[^`]*\n\n)?```(sh|json|python)\n(.*?)```', GUIDE, re.DOTALL)


@pytest.fixture(scope='module')
def clone(tmp_path_factory):
    """A checkout without data, in which the guide was followed; and what it printed."""
    folder = tmp_path_factory.mktemp('clone')
    for path in ROOT.iterdir():
        if path.name not in NOT_COPIED:
            (folder / path.name).symlink_to(path)
    shutil.copytree(
        ROOT / 'configs', folder / 'configs', ignore=shutil.ignore_patterns('generated')
    )
    said = [follow(folder, *block) for block in BLOCKS]
    return folder, ''.join(said)


def follow(folder, name, kind, text):
    """Write a block's file, or run its commands; return what they print."""
    if kind != 'sh':
        (folder / name).write_text(text, encoding='utf-8')
        return ''
    environment = {**os.environ, 'PATH': f'{Path(sys.executable).parent}:{os.environ["PATH"]}'}
    done = subprocess.run(
        ['sh', '-eu', '-c', text], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, f'{text}\n{done.stdout}\n{done.stderr}'
    return done.stdout


def test_guide__is_all_found():
    kinds = ' '.join(kind for _, kind, _ in BLOCKS)
    assert kinds == 'sh sh json sh json sh python sh sh'
    names = [name for name, kind, _ in BLOCKS if kind != 'sh']
    assert names == ['data/mine/source.json', 'data/mine/target.json', 'configs/mine.py']


def test_guide__the_converter_prints_the_lines_that_the_config_has(clone):
    _, said = clone
    config = next(text for _, kind, text in BLOCKS if kind == 'python')
    assert re.search('_classes = .*', said)[0] in config
    printed = json.loads(re.search('_palette = (.*)', said)[1])
    written = json.loads(
        '[' + re.search(r'_palette = \[.*?\n(.*?),\n\]', config, re.DOTALL)[1] + ']'
    )
    assert printed == written
    assert re.search('rare_class_sampling=.*', said)[0] in config
    assert 'num_classes=6' in said and 'num_classes=6' in config


def test_guide__labels_are_converted_with_a_sheet_to_look_at(clone):
    folder, said = clone
    assert 'data/mine/source/labels: label pictures of ids of a palette, 12 pictures' in said
    assert (folder / 'data/mine/from_labels/check.png').is_file()
    assert len(list((folder / 'data/mine/from_labels/labels').iterdir())) == 12


def test_guide__a_network_of_own_classes_comes_of_it(clone):
    folder, said = clone
    result = json.loads((folder / 'work_dirs/try/result.json').read_text())
    assert result
    assert (folder / 'samples.png').is_file()
    assert list((folder / 'work_dirs/try').glob('iter_2.pth'))
    overlays = list((folder / 'out').rglob('*_overlay.png'))
    assert len(overlays) == 4
    labels = cv2.imread(str(next((folder / 'out').rglob('*_labels.png'))), cv2.IMREAD_UNCHANGED)
    assert labels.shape == (128, 256) and labels.max() < 6
    assert '4 of 4 done' in said


def guided_config(tmp_path):
    """The guide's config, merged with its bases."""
    text = next(text for _, kind, text in BLOCKS if kind == 'python')
    path = tmp_path / 'mine.py'
    path.write_text(text.replace("'_base_/", f"'{ROOT}/configs/_base_/"), encoding='utf-8')
    return Config.fromfile(str(path))


def test_guide__trains_as_published_runs_do(tmp_path):
    config, published = guided_config(tmp_path), generate_experiment_cfgs(7)[0]
    assert config.optimizer.paramwise_cfg == published['optimizer']['paramwise_cfg']
    assert config.optimizer.lr == published['optimizer']['lr'] == 6e-5
    base = Config.fromfile(str(ROOT / 'configs/_base_/schedules/poly10warm.py'))
    assert config.lr_config == base.lr_config
    assert config.runner == published['runner']


def test_guide__rates_rise_in_the_warm_up_and_fall_to_nothing(tmp_path, caplog):
    config = guided_config(tmp_path)
    network = torch.nn.ModuleDict(
        {'backbone': torch.nn.Linear(1, 1), 'head': torch.nn.Linear(1, 1)}
    )
    optimizer = build_optimizer(network, config.optimizer)
    schedule = build_schedule(config.lr_config)
    check_schedule(schedule, optimizer, config.runner.max_iters)
    assert not caplog.records

    class Run:
        iter, max_iters = 0, config.runner.max_iters

    run = Run()
    run.optimizer = optimizer
    schedule.before_run(run)
    whole = {0: 1e-6, 750: 0.5, 1500: 1, 20000: 1, 39999: 1}  # linear from 1e-6 to 1 in 1500
    for run.iter, warm in whole.items():
        schedule.before_train_iter(run)
        rates = sorted({group['lr'] for group in optimizer.param_groups})
        expected = [lr * (1 - run.iter / 40000) * warm for lr in (6e-5, 6e-4)]
        assert rates == pytest.approx(expected, rel=1e-4)
