"""Images to label, suggested by a real run."""

import sys

import pytest
import torch

from mmseg.apis import load_config
from mmseg.datasets import build_dataset
from mmseg.utils.cli import run_cli
from tools import suggest_labels

from .adapted import adapted_run


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    return adapted_run(tmp_path_factory.mktemp('run'))


@pytest.fixture
def suggest(monkeypatch, capsys, run):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)

    def call(*arguments):
        monkeypatch.setattr(sys, 'argv', ['suggest', str(run), *map(str, arguments)])
        try:
            run_cli(suggest_labels.main)
        except SystemExit as end:
            assert end.code == 1
        return capsys.readouterr()

    return call


def test_suggest_labels__its_list_is_a_split_of_the_target_to_train_with(suggest, run, tmp_path):
    out = tmp_path / 'few.txt'
    assert '3 of 5 images: ' in suggest('--number', 3, '--out', out).out
    names = out.read_text().splitlines()
    assert len(set(names)) == 3 and names == suggest('--number', 3).out.split()
    cfg = load_config(run / 'config.json')
    cfg.data.train.target_labelled = {'split': str(out)}
    cfg.data.train.target_labelled_share = 1.0
    dataset = build_dataset(cfg.data.train)
    drawn = {dataset.draw(k, 0)['img_metas'].data['ori_filename'].split('/')[-1] for k in range(9)}
    assert drawn == set(names)


def test_suggest_labels__a_number_that_can_not_be(suggest):
    for number in (0, 6):
        assert f'--number: expected 1 to 5 images, got {number}' in suggest('--number', number).err


def test_suggest_labels__drawn_ones_are_those_of_their_seed(suggest):
    one, again, other = (suggest('--number', 4, '--random', seed).out for seed in (1, 1, 2))
    assert one == again != other and len(set(one.split())) == 4
