"""The commands that a user types, under a plain POSIX shell."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHELL = shutil.which('dash') or 'sh'
SCRIPTS = ('adapt.sh', 'run_exp.sh', 'run_config.sh', 'test.sh', 'demo.sh', 'run_tests.sh')

# Stands in for the environment's Python: prints how it was called, keeps what began it.
FAKE_PYTHON = """#!/bin/sh
echo "in $PWD"
for argument in "$@"; do echo "<$argument>"; done
echo "${DIDA_COMMAND-}" >"$(dirname "$0")/begun"
"""


def run(*command, cwd=ROOT, **environment):
    return subprocess.run(
        [SHELL, *map(str, command)],
        cwd=cwd,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )


@pytest.fixture
def checkout(tmp_path):
    """A folder, with a blank in its name, that holds the scripts and a stand-in for Python."""
    root = tmp_path / 'a checkout'
    (root / 'tools').mkdir(parents=True)
    for script in SCRIPTS:
        shutil.copy(ROOT / script, root)
    python = root / 'python'
    python.write_text(FAKE_PYTHON)
    python.chmod(0o755)
    (root / 'tools' / 'bootstrap.sh').write_text(f'echo "{python}"\n')
    return root


def arguments(done):
    assert done.returncode == 0, done.stderr
    folder, *rest = done.stdout.splitlines()
    return folder.removeprefix('in '), [line[1:-1] for line in rest]


@pytest.mark.parametrize(
    'script',
    [*SCRIPTS, 'tools/bootstrap.sh', 'tools/download_checkpoints.sh', 'tools/gpu_check.sh'],
)
def test_shell_scripts__are_short_strict_and_valid(script):
    text = (ROOT / script).read_text()
    assert text.startswith('#!/bin/sh\n') and '\nset -eu\n' in text
    assert 'usage' in text
    assert len(text.splitlines()) < 30
    assert run('-n', script).returncode == 0


@pytest.mark.parametrize('script', SCRIPTS)
def test_shell_scripts__help_is_a_usage_line(script):
    done = run(script, '--help')
    assert done.returncode == 0
    assert done.stdout.startswith(f'usage: sh {script} ')


@pytest.mark.parametrize('script', ['adapt.sh', 'run_config.sh', 'test.sh', 'demo.sh'])
def test_shell_scripts__missing_arguments_show_the_usage(script):
    done = run(script)
    assert done.returncode == 2
    assert done.stderr.startswith(f'usage: sh {script} ')


@pytest.mark.parametrize(
    ('given', 'passed'),
    [
        ([], ['--exp', '0']),
        (['7'], ['--exp', '7']),
        (['7', '1'], ['--exp', '7', '--gpu', '1']),
        (['--dry-run'], ['--exp', '0', '--dry-run']),
        (['9', '--seeds', '0,1'], ['--exp', '9', '--seeds', '0,1']),
        (['7', '0', '--options', 'a=1'], ['--exp', '7', '--gpu', '0', '--options', 'a=1']),
        (['9', '0', '--work-root', 'a b'], ['--exp', '9', '--gpu', '0', '--work-root', 'a b']),
    ],
)
def test_run_exp__arguments_are_passed_on(checkout, given, passed):
    folder, got = arguments(run(checkout / 'run_exp.sh', *given, cwd=checkout.parent))
    assert folder == str(checkout)
    assert got[0] == 'run_experiments.py'
    assert sorted(got[1:]) == sorted(passed)


def test_run_config__a_path_counts_from_where_the_user_is(checkout):
    folder, got = arguments(run(checkout / 'run_config.sh', 'my.py', '0', cwd=checkout.parent))
    assert folder == str(checkout)
    assert got == ['run_experiments.py', '--config', f'{checkout.parent}/my.py', '--gpu', '0']


@pytest.mark.parametrize('stack', ['oldest', 'newest'])
def test_run_tests__a_stack_is_asked_of_the_set_up(checkout, stack):
    python = checkout / 'python'
    set_up = checkout / 'tools' / 'bootstrap.sh'
    set_up.write_text(f'echo "$DIDA_STACK $*" >"{checkout}/asked"\necho "{python}"\n')
    _, got = arguments(run(checkout / 'run_tests.sh', '--stack', stack, 'tests/ops', '-k', 'a b'))
    assert got[-3:] == ['tests/ops', '-k', 'a b'] and '--stack' not in got
    asked = (checkout / 'asked').read_text()
    assert asked == f'{stack} requirements.txt requirements-dev.txt\n'


@pytest.mark.parametrize('given', [['--stack'], ['--stack', 'older'], ['--stack', '-k', 'bank']])
def test_run_tests__there_are_two_stacks(checkout, given):
    done = run(checkout / 'run_tests.sh', *given)
    assert (done.returncode, done.stdout) == (2, '')
    assert done.stderr.startswith('usage: sh run_tests.sh ')


@pytest.mark.parametrize(
    ('script', 'given'),
    [
        ('run_exp.sh', ['0']),
        ('run_exp.sh', ['9', '1', '--work-root', 'a b', '--options', 'a=[1, 2]']),
        ('run_exp.sh', []),
        ('run_config.sh', ['my.py', '0', '--seeds', '0,1']),
        ('adapt.sh', ['--source', 'a b', 'c', '--target', 'd']),
    ],
)
def test_run_scripts__python_knows_what_the_user_typed(checkout, script, given):
    done = run(checkout / script, *given, cwd=checkout.parent)
    assert done.returncode == 0, done.stderr
    words = (checkout / 'begun').read_text()[:-1].split('\n')
    assert words == ['sh', str(checkout / script), *given]


def test_test__a_path_counts_from_where_the_user_is(checkout):
    _, got = arguments(run(checkout / 'test.sh', 'my run', '--teacher', cwd=checkout.parent))
    assert got[-2:] == [f'{checkout.parent}/my run', '--teacher']
    _, got = arguments(run(checkout / 'test.sh', '/my run', cwd=checkout.parent))
    assert got[-1] == '/my run'


def test_test__paths_stay_short_in_the_folder_itself(checkout):
    _, got = arguments(run('test.sh', 'work_dirs/run', cwd=checkout))
    assert got[-1] == 'work_dirs/run'


def test_adapt__stays_where_the_user_is(checkout):
    given = ['--source', 'my photos', 'masks', '--target', 'field']
    folder, got = arguments(run(checkout / 'adapt.sh', *given, cwd=checkout.parent))
    assert folder == str(checkout.parent)
    assert got == [f'{checkout}/tools/adapt.py', *given]


def test_demo__stays_where_the_user_is(checkout):
    folder, got = arguments(
        run(checkout / 'demo.sh', 'c.json', 'latest.pth', 'my street.png', cwd=checkout.parent)
    )
    assert folder == str(checkout.parent)
    assert got == [f'{checkout}/tools/demo.py', 'c.json', 'latest.pth', 'my street.png']


@pytest.mark.parametrize(
    ('given', 'error'),
    [
        (['--exp', '29'], 'error: there is no experiment 29; choose one of 0, 1, 2, '),
        (['--exp', 'seven'], "error: experiment id: expected a whole number, got 'seven'"),
        (['--config', 'nowhere.py'], 'error: no config file at '),
        (['--exp', '7', '--seeds', '0;1'], "error: --seeds: expected a whole number, got '0;1'"),
        (['--exp', '7', '--gpu', '99'], 'error: GPU 99 was asked for'),
    ],
)
def test_run_experiments__a_mistake_is_one_line(given, error, tmp_path):
    command = [sys.executable, 'run_experiments.py', *given, '--work-root', str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith(error)
    assert len(done.stderr.splitlines()) == 1
    assert not any(tmp_path.iterdir())
