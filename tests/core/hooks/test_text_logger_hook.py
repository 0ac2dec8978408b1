import json
import re

import torch

from mmseg.core.hooks import EvalHook, TextLoggerHook
from mmseg.utils.logger import get_root_logger
from tests.core.hooks.training import TinySegmentor, make_runner, train


def run(tmp_path, interval, max_iters, evaluation=None):
    logger = get_root_logger(tmp_path / 'run.log')
    hooks = [TextLoggerHook(interval)] + ([evaluation] if evaluation else [])
    runner = make_runner(TinySegmentor(), tmp_path, max_iters, hooks)
    train(runner)
    for handler in logger.handlers:
        handler.flush()
    return runner


def test_text_logger_hook__the_screen_tells_progress_and_time_left_and_nothing_else(
    tmp_path, capsys
):
    run(tmp_path, interval=2, max_iters=5)
    lines = [line for line in capsys.readouterr().out.splitlines() if ' eta ' in line]
    assert [line.split()[1] for line in lines] == ['2/5', '4/5', '5/5']
    assert all(re.fullmatch(r'\S+ \d/\d +\d+%  eta \d:\d\d:\d\d', line) for line in lines)
    assert 'eta 0:00:00' in lines[-1]


def test_text_logger_hook__the_screen_tells_the_latest_miou(tmp_path, capsys):
    scores = iter([0.25, 0.5])
    evaluation = EvalHook(lambda network, name: {'mIoU': next(scores)}, 2, save_best=None)
    run(tmp_path, interval=1, max_iters=4, evaluation=evaluation)
    lines = [line for line in capsys.readouterr().out.splitlines() if ' eta ' in line]
    assert 'mIoU' not in lines[1] and lines[2].endswith('mIoU student 25.00')
    assert lines[3].endswith('mIoU student 25.00')
    assert max(map(len, lines)) <= 120


def test_text_logger_hook__the_log_file_has_the_values_beside_the_progress(tmp_path):
    run(tmp_path, interval=2, max_iters=4)
    lines = [line for line in (tmp_path / 'run.log').read_text().splitlines() if ' eta ' in line]
    assert len(lines) == 2
    assert all(' lr ' in line and ' loss ' in line and ' s/it' in line for line in lines)


def test_text_logger_hook__the_json_log_holds_every_value(tmp_path):
    run(tmp_path, interval=1, max_iters=3)
    (path,) = tmp_path.glob('*.log.json')
    meta, *records = [json.loads(line) for line in path.read_text().splitlines()]
    assert meta['seed'] == 0
    assert [record['iter'] for record in records] == [1, 2, 3]
    assert all(record['lr'] == 0.1 and record['loss'] > 0 for record in records)


def test_text_logger_hook__memory_stays_flat_over_a_run(tmp_path):
    runner = run(tmp_path, interval=2, max_iters=6)
    assert sum(map(len, runner.log_buffer.val_history.values())) == 0


def test_text_logger_hook__losses_that_are_not_numbers_keep_the_json_valid(tmp_path):
    runner = make_runner(TinySegmentor(), tmp_path, 1, [hook := TextLoggerHook(1)])
    train(runner)
    counts = torch.tensor([[1, 2]])
    hook.write_json({'loss': float('nan'), 'nested': {'x': 1.23456789, 'n': counts}}, runner)
    (path,) = tmp_path.glob('*.log.json')
    last = json.loads(path.read_text().splitlines()[-1])
    assert last == {'loss': None, 'nested': {'x': 1.23457, 'n': [[1, 2]]}}
