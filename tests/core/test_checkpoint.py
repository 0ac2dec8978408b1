import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from mmseg.core.checkpoint import (
    how_to_leave_out,
    load_checkpoint,
    load_state_dict,
    read_checkpoint,
    save_checkpoint,
)
from mmseg.utils.errors import UserError


def network(num_classes: int = 5, width: int = 4) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, width, 3), nn.BatchNorm2d(width), nn.Conv2d(width, num_classes, 1)
    )


class SelfTraining(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = network()
        self.ema_model = network()
        self.register_buffer('bank', torch.zeros(7, 2))


def assert_same_weights(one: nn.Module, other: nn.Module):
    for (name, first), second in zip(
        one.state_dict().items(), other.state_dict().values(), strict=True
    ):
        assert torch.equal(first, second), name


def test_save_checkpoint__loads_back_bit_for_bit_with_its_meta(tmp_path):
    saved, loaded = network(), network()
    saved.CLASSES, saved.PALETTE = ('road', 'sky'), np.array([[1, 2, 3], [4, 5, 6]])
    save_checkpoint(saved, tmp_path / 'iter_3.pth', meta={'iter': 3, 'seed': 1, 'config': 'a = 1'})
    meta = load_checkpoint(loaded, tmp_path / 'iter_3.pth')['meta']
    assert_same_weights(saved, loaded)
    assert meta['CLASSES'] == ['road', 'sky']
    assert meta['PALETTE'] == [[1, 2, 3], [4, 5, 6]]
    assert (meta['iter'], meta['seed'], meta['config']) == (3, 1, 'a = 1')
    assert meta['git_revision']


def test_save_checkpoint__latest_follows_the_newest_and_nothing_is_left_over(tmp_path):
    for iteration in (1, 2):
        save_checkpoint(network(), tmp_path / f'iter_{iteration}.pth', meta={'iter': iteration})
    assert read_checkpoint(tmp_path / 'latest.pth')['meta']['iter'] == 2
    assert sorted(os.listdir(tmp_path)) == ['iter_1.pth', 'iter_2.pth', 'latest.pth']
    assert os.readlink(tmp_path / 'latest.pth') == 'iter_2.pth'


def test_save_checkpoint__latest_is_a_copy_where_links_are_not_possible(tmp_path, monkeypatch):
    def refuse(*_arguments, **_keywords):
        raise OSError('links are not supported here')

    monkeypatch.setattr('pathlib.Path.symlink_to', refuse)
    save_checkpoint(network(), tmp_path / 'iter_9.pth', meta={'iter': 9})
    assert not (tmp_path / 'latest.pth').is_symlink()
    assert read_checkpoint(tmp_path / 'latest.pth')['meta']['iter'] == 9


FULL_DISK = """
import resource, sys, torch
from mmseg.core.checkpoint import save_checkpoint
from mmseg.utils.cli import run_cli

def main():
    model = torch.nn.Linear(400, 1000)
    resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))
    save_checkpoint(model, sys.argv[1] + '/iter_1.pth', meta={'iter': 1})

run_cli(main)
"""


@pytest.mark.parametrize('name', ['iter_1.pth', 'iter_2.pth'])
def test_save_checkpoint__a_full_disk_leaves_the_previous_one_whole(tmp_path, name):
    previous = nn.Linear(400, 1000)
    save_checkpoint(previous, tmp_path / name, meta={'iter': 0})
    before = (tmp_path / name).read_bytes()
    done = subprocess.run(
        [sys.executable, '-c', FULL_DISK, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith('error: could not save') and done.stderr.count('\n') == 1
    assert (tmp_path / name).read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == sorted([name, 'latest.pth'])
    assert_same_weights(previous, _loaded(nn.Linear(400, 1000), tmp_path / 'latest.pth'))


def _loaded(model: nn.Module, path) -> nn.Module:
    load_checkpoint(model, path)
    return model


@pytest.mark.parametrize(
    'wrap', [dict, lambda s: {'state_dict': s}, lambda s: {'model': s, 'epoch': 3}]
)
@pytest.mark.parametrize('prefix', ['', 'module.', 'model.', 'module.model.', 'model.module.'])
def test_load_checkpoint__takes_every_layout_that_is_around(tmp_path, wrap, prefix):
    saved, loaded = network(), network()
    torch.save(
        wrap({prefix + key: value for key, value in saved.state_dict().items()}), tmp_path / 'x.pth'
    )
    load_checkpoint(loaded, tmp_path / 'x.pth')
    assert_same_weights(saved, loaded)


def test_load_checkpoint__student_teacher_or_all_of_a_self_training_checkpoint(tmp_path):
    saved = SelfTraining()
    save_checkpoint(saved, tmp_path / 'x.pth')
    student, teacher, everything = network(), network(), SelfTraining()
    load_checkpoint(student, tmp_path / 'x.pth')
    load_checkpoint(teacher, tmp_path / 'x.pth', branch='ema_model')
    load_checkpoint(everything, tmp_path / 'x.pth', branch=None)
    assert_same_weights(student, saved.model)
    assert_same_weights(teacher, saved.ema_model)
    assert_same_weights(everything, saved)


def test_load_checkpoint__a_plain_checkpoint_has_no_teacher(tmp_path):
    save_checkpoint(network(), tmp_path / 'x.pth')
    with pytest.raises(UserError, match='no teacher'):
        load_checkpoint(network(), tmp_path / 'x.pth', branch='ema_model')


def test_load_checkpoint__another_class_count_is_named_with_both_shapes(tmp_path):
    save_checkpoint(network(num_classes=5), tmp_path / 'x.pth')
    with pytest.raises(UserError, match=r'2\.weight is 5×4×1×1, expected 2×4×1×1') as caught:
        load_checkpoint(network(num_classes=2), tmp_path / 'x.pth')
    assert '2 entries differ' in str(caught.value)


def test_load_checkpoint__another_architecture_lists_at_most_ten_keys(tmp_path):
    save_checkpoint(nn.Sequential(*[nn.Linear(2, 2) for _ in range(9)]), tmp_path / 'x.pth')
    model = network()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    with pytest.raises(UserError) as caught:
        load_checkpoint(model, tmp_path / 'x.pth')
    message = str(caught.value)
    assert sum(message.count(word) for word in (', expected', 'is missing', 'is not known')) == 10
    assert 'and ' in message and 'more' in message and '\n' not in message
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


def test_read_checkpoint__numpy_scalars_of_old_checkpoints_are_read(tmp_path):
    torch.save(
        {'state_dict': {}, 'meta': {'best_score': np.float64(0.5), 'n': np.int64(3)}},
        tmp_path / 'x.pth',
    )
    assert read_checkpoint(tmp_path / 'x.pth')['meta'] == {'best_score': 0.5, 'n': 3}


class Hostile:
    def __reduce__(self):
        return os.mkdir, (os.environ['HOSTILE_FOLDER'],)


@pytest.mark.parametrize(
    'dump', [torch.save, lambda data, path: path.write_bytes(pickle.dumps(data))]
)
def test_read_checkpoint__runs_no_code_from_the_file(tmp_path, monkeypatch, dump):
    monkeypatch.setenv('HOSTILE_FOLDER', str(tmp_path / 'made'))
    dump({'state_dict': Hostile()}, tmp_path / 'x.pth')
    with pytest.raises(UserError):
        read_checkpoint(tmp_path / 'x.pth')
    assert not (tmp_path / 'made').exists()


def test_read_checkpoint__missing_empty_cut_or_foreign_files_are_user_errors(tmp_path):
    save_checkpoint(network(), tmp_path / 'whole.pth')
    whole = (tmp_path / 'whole.pth').read_bytes()
    files = {'empty.pth': b'', 'text.pth': b'no weights here', 'cut.pth': whole[: len(whole) // 2]}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match=name):
            read_checkpoint(tmp_path / name)
    torch.save([1, 2], tmp_path / 'list.pth')
    for path in (tmp_path / 'list.pth', tmp_path / 'gone.pth', tmp_path):
        with pytest.raises(UserError):
            read_checkpoint(path)


class Segmentor(nn.Module):
    """An encoder that stays, a head whose class count and auxiliary ones that may differ."""

    def __init__(self, num_classes, num_auxiliary=0, width=4):
        super().__init__()
        self.backbone = nn.Linear(3, width)
        self.decode_head = nn.ModuleDict(
            {'convs': nn.Linear(width, 4), 'conv_seg': nn.Linear(4, num_classes)}
        )
        if num_auxiliary:
            self.auxiliary_head = nn.ModuleList(
                nn.ModuleDict({'conv_seg': nn.Linear(4, num_classes)}) for _ in range(num_auxiliary)
            )


@pytest.mark.parametrize(
    'leave_out',
    [
        ['decode_head.conv_seg'],
        ['decode_head.conv_seg.weight', 'decode_head.conv_seg.bias'],
        ['*.conv_seg'],
        ['decode_head.conv_*'],
    ],
)
def test_load_state_dict__what_is_left_out_keeps_its_values(leave_out):
    theirs, ours = Segmentor(19), Segmentor(5)
    before = {key: value.clone() for key, value in ours.state_dict().items()}
    load_state_dict(ours, theirs.state_dict(), 'x.pth', leave_out)
    for key, value in ours.state_dict().items():
        expected = before if 'conv_seg' in key else theirs.state_dict()
        assert torch.equal(value, expected[key]), key


def test_load_state_dict__the_rest_must_fit():
    with pytest.raises(UserError, match=r'decode_head\.conv_seg\.weight is 19×4, expected 5×4'):
        load_state_dict(Segmentor(5), Segmentor(19).state_dict(), 'x.pth', ['decode_head.convs'])


@pytest.mark.parametrize(
    'pattern', ['decode_head.conv_sge', 'conv_seg', 'decode_head.conv', 'neck.*']
)
def test_load_state_dict__leaving_out_what_is_not_there_is_refused(pattern):
    with pytest.raises(UserError, match=r'matches no entry; (did you mean|available)') as caught:
        load_state_dict(Segmentor(5), Segmentor(19).state_dict(), 'x.pth', [pattern])
    assert f'--except {pattern} ' in str(caught.value)


@pytest.mark.parametrize(
    ('theirs', 'ours', 'options'),
    [
        (Segmentor(19), Segmentor(5), '--except decode_head.conv_seg'),
        (Segmentor(19, 1), Segmentor(19), '--except auxiliary_head'),
        (Segmentor(19), Segmentor(19, 2), '--except auxiliary_head'),
        (Segmentor(19, 1), Segmentor(19, 2), '--except auxiliary_head.1'),
        (
            Segmentor(19, 1),
            Segmentor(5, 1),
            '--except decode_head.conv_seg --except auxiliary_head',
        ),
    ],
)
def test_how_to_leave_out__the_options_named_make_it_fit(theirs, ours, options):
    told = how_to_leave_out(ours, theirs.state_dict())
    assert f': {options} (load_except in a config)' in told
    load_state_dict(ours, theirs.state_dict(), 'x.pth', options.split()[1::2])


@pytest.mark.parametrize('theirs', [Segmentor(19, width=7), nn.Linear(3, 4)])
def test_how_to_leave_out__of_another_encoder_nothing_is_said(theirs):
    assert how_to_leave_out(Segmentor(5), theirs.state_dict()) == ''
