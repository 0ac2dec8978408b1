import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from mmcv.utils import Config

from mmseg.experiments import runs
from mmseg.experiments.table import generate_experiment_cfgs
from mmseg.utils.errors import UserError


@pytest.fixture(autouse=True)
def generated(tmp_path, monkeypatch):
    """A stand-in for the repository's folder, so that its own generated configs stay."""
    monkeypatch.setattr(runs, 'GENERATED', tmp_path / 'generated')
    monkeypatch.setattr(runs, 'WORKSPACE', tmp_path)


def finish(config, work_dir, miou=30.0):
    work_dir.mkdir(parents=True)
    (work_dir / 'config.json').write_text(json.dumps(config))
    result = {'mIoU': miou, 'mIoU_teacher': None, 'IoU': {'road': miou}, 'extra': {}}
    result |= {'seconds': 60.0, 'peak_memory_gb': 1.5}
    (work_dir / 'result.json').write_text(json.dumps(result))


@pytest.mark.parametrize('file_format', ['json', 'py'])
@pytest.mark.parametrize('id', [0, 7])
def test_write_config__file_stands_by_itself(id, file_format, tmp_path):
    config = generate_experiment_cfgs(id)[-1]
    work_dir = tmp_path / 'run'
    path = tmp_path / runs.write_config(config, work_dir, file_format)
    assert path.name == f'{config["name"]}.{file_format}'
    assert path.parent.name == f'local-exp{id}'
    merged = Config.fromfile(str(path))
    assert merged.work_dir == str(work_dir) and merged.git_rev
    assert merged.model.decode_head.type == 'DAFormerHead'
    assert merged.model.backbone.type == ('TimmBackbone' if id == 0 else 'mit_b5')
    assert merged.uda.instance.num_entries > 0 and merged.optimizer.type == 'AdamW'


def test_new_work_dir__is_new_each_time_and_carries_the_name(tmp_path):
    config = generate_experiment_cfgs(7)[0]
    work_dirs = [runs.new_work_dir(config, tmp_path) for _ in range(3)]
    assert len(set(work_dirs)) == 3
    assert all(config['name'] in path.name for path in work_dirs)
    assert {path.parent for path in work_dirs} == {tmp_path / 'local-exp7'}


def test_finished_work_dir__only_a_run_with_a_result_counts(tmp_path):
    first, second = generate_experiment_cfgs(9)[:2]
    assert runs.finished_work_dir(first, tmp_path) is None
    runs.new_work_dir(first, tmp_path).mkdir(parents=True)
    assert runs.finished_work_dir(first, tmp_path) is None
    done = runs.new_work_dir(first, tmp_path)
    finish(first, done)
    assert runs.finished_work_dir(first, tmp_path) == done
    assert runs.finished_work_dir(second, tmp_path) is None


def test_read_result__has_the_keys_of_the_summary(tmp_path):
    config = generate_experiment_cfgs(0)[1]
    finish(config, tmp_path / 'run', miou=25.0)
    assert runs.read_result(tmp_path / 'run') == {
        'name': config['name'],
        'uda': 'dida_rcs0.01',
        'seed': 0,
        'mIoU': 25.0,
        'mIoU_teacher': None,
        'IoU': {'road': 25.0},
        'seconds': 60.0,
        'peak_memory_gb': 1.5,
        'work_dir': str(tmp_path / 'run'),
    }


def test_read_result__run_without_a_result_is_named(tmp_path):
    with pytest.raises(UserError, match=r'config\.json'):
        runs.read_result(tmp_path)


@pytest.mark.parametrize(('ends_with', 'exit_code'), [('exit(3)', 3), ('os.abort()', 134)])
def test_train__failure_carries_the_exit_code(ends_with, exit_code, tmp_path, monkeypatch):
    (tmp_path / 'tools').mkdir()
    (tmp_path / 'tools' / 'train.py').write_text(f'import os\n{ends_with}\n')
    with pytest.raises(runs.RunFailed) as failure:
        runs.train(tmp_path / 'config.json', tmp_path, gpu=None)
    assert failure.value.exit_code == exit_code


def test_train__config_work_dir_and_gpu_reach_the_tool(tmp_path, monkeypatch):
    calls = []

    def record(command, **kwargs):
        calls.append(command)
        assert kwargs['env'] == {'HEAP': 'whole', 'DIDA_COMMAND': 'sh\nrun_exp.sh\n9'}
        return start([sys.executable, '-c', ''])

    start = subprocess.Popen
    monkeypatch.setenv('DIDA_COMMAND', 'sh\nrun_exp.sh\n9')
    monkeypatch.setattr(subprocess, 'Popen', record)
    monkeypatch.setattr(runs, 'training_environment', lambda: {'HEAP': 'whole'})
    settings = {'options': ['seed=1', 'amp=True'], 'plugins': ['mine', 'hers.too']}
    runs.train(tmp_path / 'c.json', tmp_path, gpu=2, **settings)
    assert calls[0][:3] == [sys.executable, '-m', 'tools.train']
    assert calls[0][3:] == [
        *(str(tmp_path / 'c.json'), '--work-dir', str(tmp_path), '--gpu', '2'),
        *('--plugins', 'mine,hers.too', '--options', 'seed=1', 'amp=True'),
    ]


SLEEPER = """
import pathlib, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
pathlib.Path('started').touch()
signal.pause()
"""


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_train__asked_to_stop_it_passes_that_on_and_waits(number, tmp_path):
    (tmp_path / 'tools').mkdir()
    (tmp_path / 'tools' / 'train.py').write_text(SLEEPER)

    def ask():
        while not (tmp_path / 'started').exists():
            time.sleep(0.01)
        os.kill(os.getpid(), number)

    asking = threading.Thread(target=ask)
    asking.start()
    with pytest.raises(runs.RunStopped):
        runs.train(tmp_path / 'config.json', tmp_path / 'run', gpu=None)
    asking.join()


def test_unfinished_work_dir__is_the_latest_run_unless_it_is_finished(tmp_path):
    config = generate_experiment_cfgs(7)[0]
    assert runs.unfinished_work_dir(config, tmp_path) is None
    begun = runs.new_work_dir(config, tmp_path)
    begun.mkdir(parents=True)
    assert runs.unfinished_work_dir(config, tmp_path) == begun
    (begun / runs.RESULT).touch()
    assert runs.unfinished_work_dir(config, tmp_path) is None
