"""A work dir holds one run: trained anew, gone back, killed, its results are those of that run."""

import json
import re
import sys

import pytest
import torch

from benchmarks.run_comparison import run_differences
from mmseg.core.checkpoint import read_checkpoint
from mmseg.report.run import read_run
from mmseg.utils.cli import run_cli
from tests.apis.tiny import write_config
from tools import analyze_logs, report, train

WIDTHS = [8, 8, 16, 16]
SETTINGS = {
    'runner': {'type': 'IterBasedRunner', 'max_iters': 4},
    'checkpoint_config': {'by_epoch': False, 'interval': 1},
    'evaluation': {'interval': 1, 'metric': 'mIoU', 'save_best': 'mIoU'},
    'log_config': {'interval': 1},
}


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    folder = tmp_path_factory.mktemp('data')
    path = write_config(folder, **SETTINGS)
    content = json.loads(path.read_text())
    encoder = {'embed_dims': WIDTHS, 'depths': [1] * 4, 'num_heads': [1] * 4}
    content['model'] |= {'backbone': encoder}
    content['model']['decode_head'] |= {'in_channels': WIDTHS}
    path.write_text(json.dumps(content))
    return path


@pytest.fixture
def run(config, tmp_path, monkeypatch, capsys):
    """Trains in `tmp_path`/run; returns what was printed, stderr after stdout."""
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)

    def run(*arguments, tool=train):
        words = [config, '--work-dir', tmp_path / 'run'] if tool is train else []
        monkeypatch.setattr(sys, 'argv', ['train', *map(str, words), *map(str, arguments)])
        run_cli(tool.main)
        return ''.join(capsys.readouterr())

    run.folder = tmp_path / 'run'
    return run


def refused(run, capsys, *arguments):
    before = contents(run.folder)
    with pytest.raises(SystemExit) as end:
        run(*arguments)
    error = capsys.readouterr().err
    assert end.value.code == 1 and error.startswith('error: ') and error.count('\n') == 1, error
    assert contents(run.folder) == before
    return error


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob('*') if path.is_file()}


def evaluated(folder):
    return [record['iter'] for record in read_run(folder).evaluations]


def result_of(folder):
    return json.loads((folder / 'result.json').read_text())


def assert_tells_of(folder, iteration):
    """All that is read from a work dir is of a run that ended at an iteration."""
    told = read_run(folder)
    assert told.iterations[0] == iteration and evaluated(folder)[-1] == iteration
    assert read_checkpoint(folder / 'latest.pth')['meta']['iter'] == iteration
    last = 100 * told.evaluations[-1]['student']['mIoU']
    assert result_of(folder)['mIoU'] == pytest.approx(last, abs=0.01)
    assert f'{last:.2f}' in (folder / 'report.html').read_text()
    best = read_checkpoint(folder / 'latest.pth')['meta'].get('best')
    assert best is None or int(re.findall(r'\d+', best['file'])[-1]) <= iteration


def test_anew__a_work_dir_in_use_is_refused_and_nothing_in_it_changes(run, capsys):
    run('--seed', '1')
    error = refused(run, capsys, '--seed', '2', '--options', 'runner.max_iters=2')
    assert 'a log of 4 iterations, ' in error
    assert 'seed: 1 there, 2 here' in error and 'runner.max_iters: 4 there, 2 here' in error
    assert '--seed 2 --options runner.max_iters=2 --resume;' in error
    assert refused(run, capsys, '--overwrite', '--resume')


def test_anew__overwriting_leaves_what_a_run_of_its_own_would_leave(run):
    run('--seed', '1')
    (run.folder / 'notes.txt').write_text('mine')
    run('--seed', '2', '--overwrite', '--options', 'runner.max_iters=2')
    assert_tells_of(run.folder, 2)
    assert evaluated(run.folder) == [1, 2] and read_run(run.folder).facts['seed'] == 2
    assert not list(run.folder.glob('*iter_[34].pth')) and (run.folder / 'notes.txt').is_file()
    assert len(list(run.folder.glob('*.log'))) == 1


def test_anew__a_start_that_failed_blocks_nothing_and_costs_the_old_run_nothing(run, capsys):
    with pytest.raises(SystemExit):
        run('--options', 'log_config.hooks=[dict(type=NoSuchHook)]')
    capsys.readouterr()
    run('--options', 'runner.max_iters=1')
    kept = contents(run.folder)
    with pytest.raises(SystemExit):
        run('--overwrite', '--options', 'optimizer.type=NoSuchOptimizer')
    now = contents(run.folder)
    assert {path: now[path] for path in kept} == kept


@pytest.mark.parametrize('back', [1, 2])
def test_gone_back__only_this_branch_is_told_of(run, back, capsys, tmp_path):
    run()
    abandoned = evaluated(run.folder)
    run('--resume-from', run.folder / f'iter_{back}.pth', '--options', 'runner.max_iters=3')
    assert_tells_of(run.folder, 3)
    assert evaluated(run.folder) == [1, 2, 3]
    (aside,) = (run.folder / 'abandoned').iterdir()
    assert evaluated(aside) == abandoned == [1, 2, 3, 4]
    assert read_checkpoint(aside / 'latest.pth')['meta']['iter'] == 4
    run(run.folder, '--out', tmp_path / 'c.png', tool=analyze_logs)
    run(run.folder, tool=report)
    assert_tells_of(run.folder, 3)


def test_gone_back__the_best_is_of_this_branch(run):
    run()
    run('--resume-from', run.folder / 'iter_1.pth', '--options', 'runner.max_iters=3')
    files = [path.name for path in run.folder.glob('best_*.pth')]
    best = read_checkpoint(run.folder / 'iter_3.pth')['meta'].get('best')
    scores = {r['iter']: r['student']['mIoU'] for r in read_run(run.folder).evaluations}
    wanted = max(scores, key=lambda iteration: (scores[iteration], -iteration))
    assert files == [f'best_mIoU_iter_{wanted}.pth']
    assert best is None or best['score'] <= max(scores.values()) + 1e-5


def test_passed_over__a_damaged_newest_checkpoint_is_of_no_branch(run):
    run()
    newest = run.folder / 'iter_4.pth'
    newest.write_bytes(newest.read_bytes()[:-1000])
    for path in run.folder.glob('best_*'):
        path.unlink()
    run('--resume', '--options', 'runner.max_iters=3')
    assert_tells_of(run.folder, 3)
    assert evaluated(run.folder) == [1, 2, 3]


def test_killed__records_that_no_checkpoint_holds_are_told_once(run):
    run('--options', 'checkpoint_config.interval=2', 'evaluation.save_best=None')
    (run.folder / 'iter_4.pth').unlink()
    (run.folder / 'latest.pth').unlink()
    run('--resume', '--options', 'checkpoint_config.interval=2', 'evaluation.save_best=None')
    assert_tells_of(run.folder, 4)
    losses = read_run(run.folder).curves['loss']
    assert [iteration for iteration, _ in losses] == [1, 2, 3, 4]


def test_longer__until_it_ends_anew_a_run_has_no_result(run, monkeypatch):
    run('--options', 'runner.max_iters=2')
    monkeypatch.setattr('mmseg.core.runner.IterBasedRunner.train', lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run('--resume')
    assert not (run.folder / 'result.json').exists()


def test_gone_back__the_same_iterations_come_to_the_same(run):
    run('--deterministic')
    run('--deterministic', '--resume-from', run.folder / 'iter_2.pth')
    torch.use_deterministic_algorithms(False)
    (aside,) = (run.folder / 'abandoned').iterdir()
    differences = run_differences(aside, run.folder, 'iter_4.pth')
    # the best of the branch given up is not here
    assert [place for place in differences if not place.startswith('best')] == []
