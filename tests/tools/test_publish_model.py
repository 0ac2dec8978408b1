import hashlib
import sys

import pytest
import torch

from mmseg.core.checkpoint import read_checkpoint
from mmseg.utils.errors import UserError
from tools import publish_model


@pytest.fixture
def work_dir(tmp_path):
    """A work dir with the checkpoint of an adaptation run."""
    folder = tmp_path / 'dida_s0'
    folder.mkdir()
    state = {'model.head.weight': torch.ones(2), 'ema_model.head.weight': torch.zeros(2)}
    state |= {'imnet_model.head.weight': torch.full((2,), 5.0), 'instance.bank': torch.ones(9)}
    meta = {'CLASSES': ['road', 'sky'], 'iter': 2, 'time': 'today', 'config': '{}'}
    optimizer = {'state': {}, 'param_groups': []}
    torch.save({'state_dict': state, 'meta': meta, 'optimizer': optimizer}, folder / 'iter_2.pth')
    (folder / 'latest.pth').symlink_to('iter_2.pth')
    return folder


@pytest.fixture
def publish(monkeypatch, capsys):
    """Runs the tool; returns the file that it names."""

    def publish(*arguments):
        monkeypatch.setattr(sys, 'argv', ['publish_model', *map(str, arguments)])
        publish_model.main()
        return capsys.readouterr().out.strip().rpartition(': ')[2]

    return publish


@pytest.mark.parametrize(('options', 'value'), [((), 1.0), (('--teacher',), 0.0)])
def test_publish_model__holds_one_network_and_what_it_is_called(work_dir, publish, options, value):
    content = read_checkpoint(publish(work_dir / 'latest.pth', *options))
    assert set(content) == {'meta', 'state_dict'}
    assert content['state_dict'].keys() == {'head.weight'}
    assert content['state_dict']['head.weight'].tolist() == [value, value]
    assert content['meta'] == {'CLASSES': ['road', 'sky'], 'config': '{}', 'iter': 2}


def test_publish_model__is_named_by_its_content(work_dir, publish):
    path = publish(work_dir / 'latest.pth')
    with open(path, 'rb') as file:
        digits = hashlib.sha256(file.read()).hexdigest()[:8]
    assert path == str(work_dir / f'dida_s0-{digits}.pth')
    assert publish(work_dir / 'latest.pth') == path
    named = publish(work_dir / 'latest.pth', '--out', work_dir / 'mine.pth')
    assert named == str(work_dir / f'mine-{digits}.pth')
    assert publish(work_dir / 'latest.pth', '--teacher') != path


def test_publish_model__source_only_runs_have_no_teacher(tmp_path, publish):
    torch.save({'state_dict': {'head.weight': torch.ones(2)}}, tmp_path / 'plain.pth')
    assert read_checkpoint(publish(tmp_path / 'plain.pth'))['state_dict'].keys() == {'head.weight'}
    with pytest.raises(UserError, match='no teacher'):
        publish(tmp_path / 'plain.pth', '--teacher')
