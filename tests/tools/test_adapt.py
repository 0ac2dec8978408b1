"""From two folders to a config that trains: real files, no config written by hand."""

import json
import sys

import pytest
import torch

from mmseg.apis import load_config
from mmseg.apis.run_datasets import build_run_dataset
from mmseg.utils.cli import run_cli
from tests.own_data.files import id_maps, photographs
from tools import adapt, train


@pytest.fixture
def propose(monkeypatch, capfd, tmp_path):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)

    def call(*options):
        folders = (tmp_path / 'photos', tmp_path / 'masks', tmp_path / 'field')
        arguments = ['--source', *folders[:2], '--target', folders[2], '--out', tmp_path / 'out']
        monkeypatch.setattr(sys, 'argv', ['adapt', *map(str, (*arguments, '--dry-run', *options))])
        try:
            run_cli(adapt.main)
        except SystemExit as end:
            assert end.code == 1
        return capfd.readouterr()

    return call


@pytest.fixture
def folders(tmp_path):
    photographs(tmp_path / 'photos', [f'shot {i}.jpg' for i in range(4)])
    id_maps(tmp_path / 'masks', [f'shot {i}_mask.png' for i in range(4)], (0, 3, 9, 255))
    photographs(tmp_path / 'field', [f'ü{i}.png' for i in range(6)])
    before = sorted(tmp_path.rglob('*'))
    return before


def test_adapt__what_it_writes_trains_and_touches_nothing(propose, folders, tmp_path, monkeypatch):
    told = propose('--iterations', 2)
    assert told.err == '' and sorted(
        path for path in tmp_path.rglob('*') if 'out' not in path.parts
    ) == [path for path in folders if 'out' not in path.parts]
    assert 'labels: 4 pairs, by names that differ in how all of a folder end' in told.out
    assert '9 (' in told.out and "is taken for 'class 2'" in told.out
    kept = (tmp_path / 'out/summary.txt').read_text()
    assert 'size: (64, 48)' in kept and 'encoder: effnetlite0' in kept
    cfg = load_config(tmp_path / 'out/adapt.json')
    dataset = build_run_dataset(cfg, cfg.data.train)
    assert list(dataset.CLASSES) == ['class 0', 'class 1', 'class 2'] and len(dataset.target) == 6
    command = told.out.splitlines()[-1].split()
    assert command[:2] == ['python', 'tools/train.py'] and command[-1] == '--no-validate'
    monkeypatch.setattr(sys, 'argv', command[1:])
    run_cli(train.main)
    assert (tmp_path / 'out/adapt/iter_2.pth').is_file()


def test_adapt__labels_of_some_target_images_are_tested_on(propose, folders, tmp_path):
    id_maps(tmp_path / 'truth', ['ü0.png', 'ü1.png'], (0, 3, 9))
    told = propose('--target-labels', tmp_path / 'truth', '--method', 'dida')
    assert 'target labels: 2 pairs, tested on and adapted to as well' in told.out
    cfg = load_config(tmp_path / 'out/adapt.json')
    assert cfg.uda.instance.num_entries == 30
    test = build_run_dataset(cfg, cfg.data.test, {'test_mode': True})
    assert len(test) == 2 and test.has_labels
    assert not told.out.rstrip().endswith('--no-validate')
    plain = load_config(tmp_path / 'out/source_only.json')
    assert plain.get('uda') is None and plain.data.train.type == 'CustomDataset'


def test_adapt__a_mapping_of_the_persons_own(propose, folders, tmp_path):
    classes = {'soil': {'labels': [0]}, 'plant': {'labels': [3, 9]}}
    (tmp_path / 'map.json').write_text(json.dumps({'classes': classes}))
    told = propose('--classes', tmp_path / 'map.json')
    assert 'no class lists 255' in told.out
    assert load_config(tmp_path / 'out/adapt.json').data.test.classes == ['soil', 'plant']


def test_adapt__what_can_not_be_is_told_in_a_line(propose, folders, tmp_path):
    for path in (tmp_path / 'masks').iterdir():
        path.rename(path.with_name(f'other{path.name}'))
    assert 'labels and pictures do not belong together: 0 of 4' in propose().err
    lying = tmp_path / 'out/data/source/images'
    photographs(lying, ['mine.png'])
    assert 'lies where --out' in propose('--source', lying, tmp_path / 'masks').err
    assert (lying / 'mine.png').is_file()
    assert '--iterations: expected 1 or more, got -1' in propose('--iterations', -1).err
