"""Training by processes that torchrun starts: the commands, and what happens when one dies."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from mmseg.core.checkpoint import read_checkpoint
from tests.apis.tiny import write_config

ROOT = Path(__file__).resolve().parents[2]
SHELL = shutil.which('dash') or 'sh'
SCRIPTS = ('tools/dist_train.sh', 'tools/slurm_train.sh')
ENVIRONMENT = {**os.environ, 'OMP_NUM_THREADS': '1', 'CUDA_VISIBLE_DEVICES': ''}

# Stand in for Slurm's srun and scontrol: the first runs its command here, as on the first of two
# nodes, and says with what options it was called.
SRUN = """#!/bin/sh
while :; do case "$1" in --*) echo "$1" && shift ;; *) break ;; esac; done
SLURM_NNODES=2 SLURM_JOB_ID=123456 SLURM_JOB_NODELIST='node[07-08]' exec "$@"
"""
SCONTROL = '#!/bin/sh\n[ "$*" = "show hostnames node[07-08]" ] && printf "node07\\nnode08\\n"\n'
# Ends as tools/train.py does, but for naming the threads that are left.
NAME_THREADS = """
import sys
from pathlib import Path
sys.path.insert(0, '.')
from tools import train
train.main()
print('left:', *((task / 'comm').read_text() for task in Path('/proc/self/task').iterdir()))
"""
PYTHON = """#!/bin/sh
echo "in $PWD, $OMP_NUM_THREADS threads"
printf "<%s>\\n" "$@"
echo "$DIDA_COMMAND" >"$(dirname "$0")/begun"
"""


def start(config, work_dir, *options, number=2, environment=ENVIRONMENT):
    command = [SHELL, 'tools/dist_train.sh', config, number, '--work-dir', work_dir, *options]
    return subprocess.Popen(
        list(map(str, command)),
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def children(pid):
    listed = Path(f'/proc/{pid}/task/{pid}/children').read_text()
    return [int(child) for child in listed.split()]


@pytest.mark.parametrize('script', SCRIPTS)
def test_shell_scripts__are_short_strict_and_valid(script):
    text = (ROOT / script).read_text()
    assert text.startswith('#!/bin/sh\n') and '\nset -eu\n' in text
    assert len(text.splitlines()) < 30
    assert subprocess.run([SHELL, '-n', ROOT / script]).returncode == 0


@pytest.mark.parametrize(
    ('script', 'given', 'code'),
    [
        ('tools/dist_train.sh', ['--help'], 0),
        ('tools/dist_train.sh', [], 2),
        ('tools/dist_train.sh', ['config.py'], 2),
        ('tools/dist_train.sh', ['config.py', 'two'], 2),
        ('tools/dist_train.sh', ['config.py', '0'], 2),
        ('tools/slurm_train.sh', ['--help'], 0),
        ('tools/slurm_train.sh', ['gpu', 'job'], 2),
    ],
)
def test_shell_scripts__wrong_arguments_show_the_usage(script, given, code):
    done = subprocess.run([SHELL, ROOT / script, *given], capture_output=True, text=True)
    assert done.returncode == code
    assert (done.stderr if code else done.stdout).startswith(f'usage: sh {script} ')


@pytest.fixture
def checkout(tmp_path):
    """A folder, with a blank in its name: the scripts, and stand-ins for what they run."""
    root = tmp_path / 'a checkout'
    (root / 'tools').mkdir(parents=True)
    for script in SCRIPTS:
        shutil.copy(ROOT / script, root / 'tools')
    programs = {'python': PYTHON, 'srun': SRUN, 'scontrol': SCONTROL}
    for name, text in programs.items():
        (root / name).write_text(text)
        (root / name).chmod(0o755)
    (root / 'tools' / 'bootstrap.sh').write_text(
        f'echo "{root}/python"\necho "${{DIDA_TORCH-auto}}" > wished\n'
    )
    return root


def call(checkout, script, *arguments, **environment):
    environment = {**os.environ, 'PATH': f'{checkout}:{os.environ["PATH"]}', **environment}
    command = [SHELL, checkout / script, *arguments]
    done = subprocess.run(
        command, cwd=checkout.parent, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_dist_train__starts_torchrun_on_this_machine(checkout):
    options = ('--work-dir', 'a b')
    first, *passed = call(
        checkout, 'tools/dist_train.sh', 'my.py', '3', *options, OMP_NUM_THREADS='5'
    )
    assert first == f'in {checkout}, 5 threads'
    assert passed == [
        *('<-m>', '<torch.distributed.run>', '<--standalone>', '<--nproc-per-node>', '<3>'),
        *('<tools/train.py>', f'<{checkout.parent}/my.py>', '<--work-dir>', '<a b>'),
    ]


def test_slurm_train__starts_one_torchrun_a_node_that_meet_at_the_first(checkout):
    asked = {'GPUS': '8', 'GPUS_PER_NODE': '4', 'SRUN_ARGS': '--time=1:00:00 --exclusive'}
    lines = call(
        checkout, 'tools/slurm_train.sh', 'gpus', 'my job', '/c.py', '--seed', '1', **asked
    )
    place = next(index for index, line in enumerate(lines) if line.startswith('in '))
    assert lines[:place] == [
        *('--partition=gpus', '--job-name=my job', '--nodes=2', '--ntasks-per-node=1'),
        *('--gres=gpu:4', '--cpus-per-task=20', '--kill-on-bad-exit=1'),
        *('--time=1:00:00', '--exclusive'),
    ]
    assert lines[place + 1 :] == [
        *('<-m>', '<torch.distributed.run>', '<--nnodes>', '<2>', '<--nproc-per-node>', '<4>'),
        *('<--rdzv-backend>', '<c10d>', '<--rdzv-id>', '<123456>'),
        *('<--rdzv-endpoint>', '<node07:23456>', '<tools/train.py>', '</c.py>', '<--seed>', '<1>'),
    ]


@pytest.mark.parametrize(('wish', 'expected'), [({}, 'cuda'), ({'DIDA_TORCH': 'cpu'}, 'cpu')])
def test_slurm_train__sets_up_for_gpus_where_there_may_be_none(
    checkout, monkeypatch, wish, expected
):
    monkeypatch.delenv('DIDA_TORCH', raising=False)
    call(checkout, 'tools/slurm_train.sh', 'gpus', 'my job', '/c.py', **wish)
    assert (checkout / 'wished').read_text() == f'{expected}\n'


def test_scripts__python_knows_what_the_user_typed_and_asked_for(checkout):
    call(checkout, 'tools/dist_train.sh', 'my.py', '3', '--work-dir', 'a b')
    words = [str(checkout / 'tools/dist_train.sh'), 'my.py', '3', '--work-dir', 'a b']
    assert (checkout / 'begun').read_text()[:-1].split('\n') == ['sh', *words]
    asked = {'GPUS': '8', 'SRUN_ARGS': '--time=1:00:00 --exclusive'}
    call(checkout, 'tools/slurm_train.sh', 'gpus', 'my job', '/c.py', **asked)
    words = [str(checkout / 'tools/slurm_train.sh'), 'gpus', 'my job', '/c.py']
    asked_for = ['GPUS=8', 'SRUN_ARGS=--time=1:00:00 --exclusive']
    assert (checkout / 'begun').read_text()[:-1].split('\n') == ['env', *asked_for, 'sh', *words]


def test_train__all_processes_end_where_the_first_one_finds_a_run(tmp_path):
    work_dir = tmp_path / 'run'
    work_dir.mkdir()
    (work_dir / 'iter_1.pth').write_text('of another run')
    run = start(write_config(tmp_path), work_dir)
    output, _ = run.communicate(timeout=300)
    assert run.returncode == 1
    for process in (0, 1):
        assert f'error (process {process}): {work_dir} holds a run already' in output
    assert f'sh tools/dist_train.sh {tmp_path}/source_only.json 2 --work-dir {work_dir}' in output
    assert [path.name for path in work_dir.iterdir()] == ['iter_1.pth']


def test_train__two_processes_train_evaluate_and_save(tmp_path):
    config = write_config(tmp_path, uda=True)
    run = start(config, tmp_path / 'run')
    output, _ = run.communicate(timeout=300)
    assert run.returncode == 0, output
    assert ', 2 processes, seed 3' in ' '.join(output.split())
    assert output.count('2/2 evaluated: student mIoU') == 1
    assert read_checkpoint(tmp_path / 'run' / 'latest.pth')['meta']['global_batch'] == 4
    assert len(list((tmp_path / 'run').glob('*.log'))) == 1


def test_train__no_thread_of_the_process_group_outlives_a_training(tmp_path):
    config = write_config(tmp_path, uda=True)
    (tmp_path / 'run.py').write_text(NAME_THREADS)
    torchrun = (sys.executable, '-m', 'torch.distributed.run', '--standalone')
    script = ('--nproc-per-node', '2', tmp_path / 'run.py')
    done = subprocess.run(
        list(map(str, (*torchrun, *script, config, '--work-dir', tmp_path / 'run'))),
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('left:') == 2
    assert 'gloo' not in done.stdout


def test_train__a_killed_process_takes_the_job_down_within_a_minute(tmp_path):
    endless = {'runner': {'type': 'IterBasedRunner', 'max_iters': 10**4}}
    few = {'checkpoint_config': {'by_epoch': False, 'interval': 1, 'max_keep_ckpts': 3}}
    config = write_config(tmp_path, uda=True, **endless, **few)
    run = start(config, tmp_path / 'run', '--no-validate')
    deadline = time.monotonic() + 300
    while not (tmp_path / 'run' / 'latest.pth').exists():
        assert run.poll() is None and time.monotonic() < deadline
        time.sleep(0.1)
    workers = children(run.pid)
    assert len(workers) == 2
    killed = time.monotonic()
    os.kill(workers[1], signal.SIGKILL)
    output, _ = run.communicate(timeout=60)
    assert time.monotonic() - killed < 60
    assert run.returncode != 0
    assert 'Signal 9 (SIGKILL)' in output
    assert not any(Path(f'/proc/{worker}').exists() for worker in workers)


def test_train__an_error_of_one_process_is_shown_and_ends_the_job(tmp_path):
    config = write_config(tmp_path)
    for path in sorted((tmp_path / 'source' / 'images').iterdir())[1:]:
        path.write_bytes(path.read_bytes()[:60])
    run = start(config, tmp_path / 'run', '--strict', '--no-validate')
    output, _ = run.communicate(timeout=300)
    assert run.returncode != 0
    assert 'error (process ' in output and '.png' in output


@pytest.mark.gpu
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason='needs two GPUs')
def test_train__sync_bn_on_two_gpus_is_batch_norm_on_one_with_both_batches(tmp_path):
    config = write_config(tmp_path)
    exact = ('model.decode_head.dropout_ratio=0', 'model.backbone.drop_path_rate=0.0')
    logs = []
    for number in (1, 2):
        batch = ('dist_params.sync_bn=True', f'data.samples_per_gpu={4 // number}')
        folder = tmp_path / f'run{number}'
        run = start(
            config, folder, '--options', *exact, *batch, number=number, environment=os.environ
        )
        output, _ = run.communicate(timeout=300)
        assert run.returncode == 0, output
        (log,) = folder.glob('*.log.json')
        lines = map(json.loads, log.read_text().splitlines()[1:])
        logs.append([line['loss'] for line in lines if line['mode'] == 'train'])
    assert len(logs[0]) == 2
    assert logs[1] == pytest.approx(logs[0], rel=1e-3)
