import os

import pytest
import torch
from torch import nn

from mmseg.apis.checks import room
from mmseg.apis.checks.room import (
    batch_bytes,
    checkpoint_bytes,
    disk_has_room,
    num_checkpoints,
    shared_memory_has_room,
    work_dir_can_be_written,
)
from tests.apis.checks.runs import data_of, messages


class Small(nn.Module):
    """100 weights that learn, 20 that do not, and a buffer of 10 numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.learns = nn.Parameter(torch.zeros(100))
        self.stays = nn.Parameter(torch.zeros(20), requires_grad=False)
        self.register_buffer('buffer', torch.zeros(10, dtype=torch.float64))


@pytest.mark.parametrize(
    ('optimizer', 'momenta'),
    [
        ({'type': 'AdamW'}, 2),
        ({'type': 'SGD', 'momentum': 0.9}, 1),
        ({'type': 'SGD'}, 0),
        ({'type': 'OfOnesOwn'}, 2),
    ],
)
def test_checkpoint_bytes__are_those_of_the_state_and_of_the_momenta(optimizer, momenta):
    assert checkpoint_bytes(Small(), optimizer) == 4 * 120 + 8 * 10 + momenta * 400


@pytest.mark.parametrize(
    ('max_iters', 'interval', 'keep', 'best', 'expected'),
    [
        (10, 2, -1, 'auto', 6),  # 2, 4, 6, 8, 10 and the best
        (10, 2, -1, None, 5),
        (10, 3, -1, None, 4),  # 3, 6, 9, 10
        (10, 2, 2, None, 3),  # two kept, one being written
        (10, 2, 2, 'auto', 4),
        (10, -1, -1, 'auto', 1),
        (10, 10, 1, 'auto', 1),
    ],
)
def test_num_checkpoints__counts_those_kept_the_best_and_one_being_written(
    tmp_path, max_iters, interval, keep, best, expected
):
    run = data_of(tmp_path)
    run.cfg.runner.max_iters = max_iters
    run.cfg.checkpoint_config = {'interval': interval, 'max_keep_ckpts': keep}
    run.cfg.evaluation = {'interval': 1, 'save_best': best}
    assert num_checkpoints(run) == expected


@pytest.fixture
def free_disk(monkeypatch):
    """Sets how many bytes of the disk are free."""

    def free(number):
        usage = (number * 2, number, number)
        monkeypatch.setattr(
            room.shutil, 'disk_usage', lambda _: room.shutil._ntuple_diskusage(*usage)
        )

    return free


def test_disk_has_room__the_last_byte_counts(tmp_path, free_disk):
    run = data_of(tmp_path)  # two checkpoints and the best, of one weight and two momenta each
    free_disk(3 * 12)
    assert messages(disk_has_room, run) == []
    free_disk(3 * 12 - 1)
    (line,) = messages(disk_has_room, run)
    assert '35 bytes are free there, and 3 checkpoints of 12 bytes' in line
    assert 'max_keep_ckpts' in line and '--work-dir' in line


def test_disk_has_room__checkpoints_that_are_there_already_take_no_more(tmp_path, free_disk):
    run = data_of(tmp_path)
    (tmp_path / 'run').mkdir()
    for number in (1, 2):
        (tmp_path / f'run/iter_{number}.pth').touch()
    free_disk(12)
    assert messages(disk_has_room, run) == []


def test_work_dir__a_file_in_its_place_or_above_it_is_an_error(tmp_path):
    run = data_of(tmp_path)
    (tmp_path / 'file').touch()
    for work_dir in ('file', 'file/run'):
        run.cfg.work_dir = str(tmp_path / work_dir)
        (line,) = messages(work_dir_can_be_written, run)
        assert line.endswith('is a file, not a folder')


def test_work_dir__without_the_right_to_write_is_an_error(tmp_path, monkeypatch):
    run = data_of(tmp_path)
    assert messages(work_dir_can_be_written, run) == []
    monkeypatch.setattr(os, 'access', lambda path, mode: False)
    (line,) = messages(work_dir_can_be_written, run)
    assert f'may not write into {tmp_path}' in line and '--work-dir' in line


@pytest.mark.parametrize('uda', [False, True])
@pytest.mark.parametrize('batch', [1, 3])
def test_batch_bytes__are_whole_pages_of_bytes(tmp_path, uda, batch):
    run = data_of(tmp_path, uda, data__samples_per_gpu=batch)
    pixels = batch * 32 * 48
    pages = -(-3 * pixels // 4096) * (1 + uda) + -(-pixels // 4096)
    assert batch_bytes(run) == pages * 4096


@pytest.mark.parametrize(('workers', 'processes'), [(1, 1), (2, 1), (3, 2)])
def test_shared_memory__the_last_byte_counts(tmp_path, monkeypatch, workers, processes):
    monkeypatch.setenv('LOCAL_WORLD_SIZE', str(processes))
    run = data_of(tmp_path, data__workers_per_gpu=workers)
    # images 9216 bytes in 3 pages, labels 3072 in one; a queue and an event, a queue a worker
    needed = processes * (workers * 2 * 4 * 4096 + (8 + 3 * workers) * 4096)
    monkeypatch.setattr(room, 'free_shared_memory', lambda: needed)
    assert messages(shared_memory_has_room, run) == []
    monkeypatch.setattr(room, 'free_shared_memory', lambda: needed - 1)
    (line,) = messages(shared_memory_has_room, run)
    assert f'{workers * processes} workers that load 2 batches of 16.0 KiB ahead need ' in line
    assert line.endswith('or data.workers_per_gpu=0')


@pytest.mark.parametrize('free', [0, None])
def test_shared_memory__nothing_is_needed_without_workers(tmp_path, monkeypatch, free):
    monkeypatch.setattr(room, 'free_shared_memory', lambda: free)
    assert messages(shared_memory_has_room, data_of(tmp_path)) == []
