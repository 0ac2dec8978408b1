"""The set-up of .venv, with a tiny package in the place of the real ones and no network."""

import io
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time
import venv
import zipfile
from pathlib import Path

import packaging
import pytest

from tools import bootstrap

ROOT = Path(__file__).resolve().parents[2]
SHELL = shutil.which('dash') or 'sh'
NOT_INHERITED = ('VIRTUAL_ENV', 'CONDA_PREFIX', 'DIDA_STACK')
# Builds a wheel, but for its files; reads its version as the setup.py of mmcv-full 1.7 does.
BACKEND = """
import sys
import zipfile

def version():
    exec('found = "1.0"')
    return locals()['found']

def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = f'tiny-{version()}-py3-none-any.whl'
    with zipfile.ZipFile(f'{folder}/{name}', 'w') as wheel:
        for file, text in FILES.items():
            wheel.writestr(file, text)
    return name
"""


def write_wheel(folder, version, name='tiny', module='tiny', code='', requires=()):
    info = f'{name}-{version}.dist-info'
    about = f'Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n'
    files = {
        f'{module}.py': f'version = {version!r}\n{code}',
        f'{info}/METADATA': about + ''.join(f'Requires-Dist: {each}\n' for each in requires),
        f'{info}/WHEEL': 'Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
    }
    record = ''.join(f'{path},,\n' for path in [*files, f'{info}/RECORD'])
    path = folder / f'{name}-{version}-py3-none-any.whl'
    with zipfile.ZipFile(path, 'w') as wheel:
        for file, text in {**files, f'{info}/RECORD': record}.items():
            wheel.writestr(file, text)
    return path


def write_source(wheel):
    """Put in place of a wheel what it is built from."""
    with zipfile.ZipFile(wheel) as archive:
        files = {name: archive.read(name).decode() for name in archive.namelist()}
    wheel.unlink()
    source = {
        'pyproject.toml': '[build-system]\nrequires = []\nbuild-backend = "backend"\n'
        'backend-path = ["."]\n',
        'backend.py': f'FILES = {files}\n{BACKEND}',
        'PKG-INFO': 'Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n',
    }
    with tarfile.open(wheel.parent / 'tiny-1.0.tar.gz', 'w:gz') as archive:
        for file, text in source.items():
            member = tarfile.TarInfo(f'tiny-1.0/{file}')
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))


class Checkout:
    """A folder with the set-up scripts, requirements on `tiny`, and no environment."""

    def __init__(self, root):
        self.root = root
        self.wheels = root.parent / 'wheels'  # pip splits its list of places at blanks
        self.python = root / '.venv' / 'bin' / 'python'
        for folder in (root / 'tools', root / 'bin', self.wheels):
            folder.mkdir(parents=True)
        for script in ('bootstrap.sh', 'torch_builds.py'):
            shutil.copy(ROOT / 'tools' / script, root / 'tools')
        script = (ROOT / 'tools' / 'bootstrap.py').read_text()
        for ours, stand_in in {
            "PIP = 'pip>=25.3'": "PIP = 'pip'",
            'import torch, torchvision, mmcv, cv2': 'import tiny',
        }.items():
            assert ours in script
            script = script.replace(ours, stand_in)
        (root / 'tools' / 'bootstrap.py').write_text(script)
        (root / 'build-constraints.txt').write_text('setuptools<81\n')
        self.require('tiny==1.0')
        write_wheel(self.wheels, '1.0')
        write_wheel(self.wheels, '2.0')
        # The Python below the environment of the tests: it does not have what they need.
        (root / 'bin' / 'python3').symlink_to(sys._base_executable)

    def require(self, line):
        (self.root / 'requirements.txt').write_text(f'# what it needs\n{line}\n')

    def start(self, **environment):
        kept = {k: v for k, v in os.environ.items() if k not in NOT_INHERITED}
        kept = {k: v for k, v in kept.items() if not k.startswith(('PIP_', 'PYTHON'))}
        settings = {
            'PATH': f'{self.root}/bin:/usr/bin:/bin',
            'PIP_CONFIG_FILE': os.devnull,
            'PIP_NO_INDEX': '1',
            'PIP_FIND_LINKS': str(self.wheels),
        }
        return subprocess.Popen(
            [SHELL, str(self.root / 'tools' / 'bootstrap.sh')],
            env={**kept, **settings, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, **environment):
        process = self.start(**environment)
        out, err = process.communicate(timeout=120)
        return process.returncode, out.strip(), err

    def version(self, module='tiny', venv='.venv'):
        code = f'import {module}; print({module}.version)'
        python = self.root / venv / 'bin' / 'python'
        return subprocess.check_output([python, '-c', code], text=True).strip()


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path / 'a checkout')


def make_environment(folder, version):
    """Make an environment that has `tiny` and, as any that has matplotlib, `packaging`."""
    venv.create(folder, symlinks=True)
    (site,) = folder.glob('lib/python*/site-packages')
    shutil.copytree(Path(packaging.__file__).parent, site / 'packaging')
    with zipfile.ZipFile(write_wheel(folder, version)) as wheel:
        wheel.extractall(site)
    return folder


def test_bootstrap__makes_an_environment_once_and_follows_the_requirements(checkout):
    code, python, said = checkout.run()
    assert (code, python) == (0, str(checkout.python)), said
    assert 'making .venv' in said and 'installing requirements.txt' in said
    assert checkout.version() == '1.0'

    started = time.monotonic()
    assert checkout.run() == (0, str(checkout.python), '')
    assert time.monotonic() - started < 2

    checkout.require('tiny==2.0')
    code, _, said = checkout.run()
    assert code == 0 and 'making .venv' not in said
    assert checkout.version() == '2.0'


def test_bootstrap__a_killed_set_up_is_started_afresh(checkout):
    process = checkout.start()
    marker = checkout.root / '.venv' / 'installing'
    while not marker.exists() and process.poll() is None:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert marker.exists()
    leftover = checkout.root / '.venv' / 'half-a-file'
    leftover.touch()
    code, python, said = checkout.run()
    assert (code, python) == (0, str(checkout.python)), said
    assert checkout.version() == '1.0' and not leftover.exists()


def test_bootstrap__two_at_once_make_one_environment(checkout):
    processes = [checkout.start() for _ in range(2)]
    said = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert {out.strip() for out, _ in said} == {str(checkout.python)}
    assert sum('making .venv' in err for _, err in said) == 1
    assert checkout.version() == '1.0'


def test_bootstrap__a_package_that_cannot_be_had_is_a_one_line_error(checkout):
    checkout.require('tiny==3.0')
    code, python, said = checkout.run()
    assert (code, python) == (1, '')
    assert said.splitlines()[-1].startswith('error: pip failed (ERROR: No matching distribution')


def test_bootstrap__without_display_libraries_opencv_is_the_one_for_servers(checkout):
    code = "raise ImportError('libGL.so.1: cannot open shared object file')\n"
    write_wheel(checkout.wheels, '5.0', 'opencv_python', 'cv2', code)
    write_wheel(checkout.wheels, '5.0', 'opencv_python_headless', 'cv2')
    checkout.require('tiny==1.0\nopencv-python>=5.0,<5.1')
    code, _, said = checkout.run()
    assert code == 0 and 'OpenCV finds no display libraries' in said
    subprocess.check_call([checkout.python, '-c', 'import cv2'])
    assert checkout.run() == (0, str(checkout.python), '')


def test_bootstrap__a_package_whose_setup_reads_its_version_by_exec_is_built(checkout):
    # From Python 3.13 on, no name that exec makes outlives it; pip must have been told otherwise.
    write_source(checkout.wheels / 'tiny-1.0-py3-none-any.whl')
    code, _, said = checkout.run()
    assert code == 0, said
    assert checkout.version() == '1.0'
    assert not list(checkout.root.glob('.venv/lib/python*/site-packages/exec*'))


def pythons_on_the_path(checkout, *versions):
    for version in versions:
        (checkout.root / 'bin' / f'python{version}').symlink_to(sys._base_executable)


@pytest.mark.parametrize(('stack', 'version'), [('oldest', '1.0'), ('newest', '2.0')])
def test_bootstrap__a_stack_is_an_environment_of_an_end_of_the_ranges(checkout, stack, version):
    pythons_on_the_path(checkout, '3.11')
    checkout.require('tiny>=1.0,<3  # a range')
    write_wheel(checkout.wheels, '1.5')
    python = str(checkout.root / f'.venv-{stack}' / 'bin' / 'python')
    code, found, said = checkout.run(DIDA_STACK=stack)
    assert (code, found) == (0, python), said
    assert f'making .venv-{stack}' in said
    assert checkout.version(venv=f'.venv-{stack}') == version
    assert not (checkout.root / '.venv').exists()
    assert checkout.run(DIDA_STACK=stack) == (0, python, '')


def test_bootstrap__a_stack_takes_no_environment_that_is_active(checkout, tmp_path):
    pythons_on_the_path(checkout, '3.12')
    active = make_environment(tmp_path / 'active', '1.0')
    code, found, said = checkout.run(VIRTUAL_ENV=str(active), DIDA_STACK='oldest')
    assert (code, found) == (0, str(checkout.root / '.venv-oldest' / 'bin' / 'python')), said


@pytest.mark.parametrize(
    ('stack', 'version'), [('oldest', 'python3.10'), ('newest', 'python3.13'), ('', 'python')]
)
def test_bootstrap__a_stack_is_on_the_oldest_or_the_newest_python(checkout, stack, version):
    for name in ('python', 'python3.10', 'python3.11', 'python3.13'):
        stand_in = checkout.root / 'bin' / name
        stand_in.write_text('#!/bin/sh\n[ "$1" = -c ] || echo "${0##*/}"\n')
        stand_in.chmod(0o755)
    assert checkout.run(DIDA_STACK=stack) == (0, version, '')


def test_bootstrap__a_stack_is_one_of_two(checkout):
    code, _, said = checkout.run(DIDA_STACK='older')
    assert (code, len(said.splitlines())) == (1, 1)
    assert said.startswith('error: DIDA_STACK is one of oldest, newest')


@pytest.mark.parametrize('file', ['requirements.txt', 'requirements-dev.txt'])
def test_pinned__every_requirement_has_a_lowest_version(file):
    lines = bootstrap.requirement_lines(file)
    assert lines
    assert [
        line for line in lines if not re.fullmatch(r'[\w-]+==[\d.]+', bootstrap.pinned(line))
    ] == []


def test_pinned__is_the_lower_end_of_a_range():
    assert bootstrap.pinned('torch>=2.11,<2.16') == 'torch==2.11'
    assert bootstrap.pinned('setuptools>=64') == 'setuptools==64'
    assert bootstrap.pinned('mmcv-full==1.7.2') == 'mmcv-full==1.7.2'


@pytest.mark.parametrize('variable', ['VIRTUAL_ENV', 'CONDA_PREFIX'])
def test_bootstrap__an_active_environment_that_has_all_is_used(checkout, tmp_path, variable):
    active = make_environment(tmp_path / 'active', '1.0')
    result = checkout.run(**{variable: str(active)})
    assert result == (0, str(active / 'bin' / 'python'), '')
    assert not (checkout.root / '.venv').exists()


def test_bootstrap__python_on_the_path_that_has_all_is_used(checkout, tmp_path):
    folder = make_environment(tmp_path / 'there', '1.0') / 'bin'
    assert checkout.run(PATH=f'{folder}:/usr/bin:/bin') == (0, str(folder / 'python'), '')
    assert not (checkout.root / '.venv').exists()


def test_bootstrap__what_an_active_environment_lacks_is_named(checkout, tmp_path):
    active = make_environment(tmp_path / 'active', '2.0')
    checkout.require('tiny==1.0')
    process = checkout.start(VIRTUAL_ENV=str(active))
    first_line = process.stderr.readline()
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    expected = 'set-up: the active environment lacks tiny==1.0; going on with .venv\n'
    assert first_line == expected


def test_bootstrap__no_python_is_a_one_line_error(checkout, tmp_path):
    (tmp_path / 'bin').mkdir()
    for tool in ('dirname', 'cmp'):
        (tmp_path / 'bin' / tool).symlink_to(shutil.which(tool))
    code, _, said = checkout.run(PATH=str(tmp_path / 'bin'))
    assert code == 1
    assert said.startswith('error: no Python 3.10 or later') and len(said.splitlines()) == 1
