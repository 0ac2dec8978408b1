import json

from mmseg.core.hooks import TextLoggerHook
from mmseg.utils.logger import get_root_logger
from tests.core.hooks.training import TinySegmentor, make_runner, train


def run(tmp_path, interval, max_iters):
    get_root_logger()
    runner = make_runner(TinySegmentor(), tmp_path, max_iters, [TextLoggerHook(interval)])
    return train(runner)


def test_text_logger_hook__a_line_per_interval_and_for_the_last_iteration(tmp_path, capsys):
    run(tmp_path, interval=2, max_iters=5)
    lines = [line for line in capsys.readouterr().out.splitlines() if ' eta ' in line]
    assert [line.split()[1] for line in lines] == ['2/5', '4/5', '5/5']
    assert all(len(line) <= 120 and ' loss ' in line and ' lr ' in line for line in lines)
    assert 'eta 0:00:00' in lines[-1]


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
    hook.write_json({'loss': float('nan'), 'nested': {'x': 1.23456789}}, runner)
    (path,) = tmp_path.glob('*.log.json')
    last = json.loads(path.read_text().splitlines()[-1])
    assert last == {'loss': None, 'nested': {'x': 1.23457}}
