"""Choosing a network by unlabelled images: real runs, on disk."""

import json
import shutil
import sys

import pytest
import torch

from mmseg.selection.observation import Observation
from mmseg.selection.ranking import Candidate
from mmseg.selection.runs import collapse
from mmseg.utils.cli import run_cli
from tests.apis.tiny import CLASSES
from tools import choose

from .adapted import adapted_run


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    return adapted_run(tmp_path_factory.mktemp('run'))


@pytest.fixture
def choose_in(monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)

    def call(*arguments):
        monkeypatch.setattr(sys, 'argv', ['choose', *map(str, arguments)])
        try:
            run_cli(choose.main)
        except SystemExit as end:
            assert end.code in (0, 1)
        return capsys.readouterr()

    return call


def test_choose__scores_students_and_teachers_and_advises(run, choose_in, tmp_path):
    for labels in (run.parent / 'target/labels').iterdir():
        labels.unlink()  # nobody is to read them
    told = choose_in(run, '--json', tmp_path / 'scores.json').out
    content = json.loads((tmp_path / 'scores.json').read_text())
    kept = json.loads((run / 'choosing.json').read_text())['networks']
    assert [network['scores'] for network in kept] == [
        {k: v for k, v in row.items() if k not in Candidate._fields} for row in content['scores']
    ]
    networks = [(row['iteration'], row['branch']) for row in content['scores']]
    assert networks == [(1, 'student'), (1, 'teacher'), (2, 'student'), (2, 'teacher')]
    names = ('information maximisation', 'nuclear norm', 'mixtures', 'flip agreement', 'clusters')
    for row in content['scores']:
        assert all(isinstance(row[name], float) for name in names)
        # The teacher of the first iteration is the student as it was before its first step.
        assert 0 <= row['student and teacher'] <= 1
    taken = content['take']['candidate']
    assert f'take {taken["run"]}, iteration {taken["iteration"]}, {taken["branch"]}: ' in told


def test_choose__what_can_not_be_is_told(run, choose_in, tmp_path):
    one = tmp_path / 'one'
    shutil.copytree(run, one)
    (one / 'iter_1.pth').unlink()
    assert 'there is one checkpoint alone' in choose_in(one).err
    assert 'no checkpoints iter_*.pth in' in choose_in(tmp_path).err

    two = tmp_path / 'two'
    shutil.copytree(run, two)
    few = json.loads((two / 'config.json').read_text())
    (tmp_path / 'images').mkdir()
    for index in range(2):
        shutil.copy(run.parent / f'target/images/{index}.png', tmp_path / f'images/{index}.png')
    few['data']['train']['target'] |= {'data_root': str(tmp_path), 'ann_dir': None}
    (two / 'config.json').write_text(json.dumps(few))
    assert '2 target images tell too little: at least 4' in choose_in(two).err

    other = tmp_path / 'other'
    shutil.copytree(run, other)
    for path in other.glob('iter_*.pth'):
        content = torch.load(path, weights_only=True)
        content['meta']['CLASSES'] = CLASSES[::-1]
        torch.save(content, path)
    assert 'classes differ' in choose_in(run, other).err


def test_collapse__is_a_class_that_takes_all_or_one_that_vanishes():
    reference = torch.tensor([0.96, 0.5, 0.3])

    def of(*shares):
        nothing = torch.zeros(0)
        observation = Observation(nothing, None, torch.tensor(shares), [], nothing, (nothing,) * 3)
        return collapse(observation, reference, ['road', 'car', 'sky'])

    assert of(0.96, 0.02, 0.02) == 'road takes 96% of all pixels'
    assert of(0.7, 0.001, 0.299) == 'car vanished from the predictions'
    assert of(0.5, 0.3, 0.2) is None
