"""Which builds of PyTorch a set-up takes: pip itself, with a folder of tiny wheels to look in."""

import os
import re
import subprocess
import sys
import venv
import zipfile
from importlib.metadata import distribution, distributions

import pytest

from tools import torch_builds
from tools.torch_builds import SetupError, choose_builds

from .test_bootstrap import ROOT, Checkout, write_wheel

RANGES = ['torch>=2.11,<2.15', 'torchvision>=0.26,<0.30']
LACK = 'but pip finds no torch and torchvision for CPUs where it looks'
REMEDY = 'PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu'


def offer(folder, torch=None, torchvision=None):
    """Add wheels to a folder; a torchvision goes with the torch of its own release only."""
    if torch:
        write_wheel(folder, torch, 'torch', 'torch')
    if torchvision:
        number = int(torchvision.split('.')[1])
        needs = [f'torch>=2.{number - 15},<2.{number - 14}']
        write_wheel(folder, torchvision, 'torchvision', 'torchvision', requires=needs)


class Environment:
    """An empty environment, and a pip that looks into `wheels` for it."""

    def __init__(self, folder):
        self.wheels = folder / 'wheels'
        self.wheels.mkdir()
        self.python = folder / 'env' / 'bin' / 'python'
        venv.create(folder / 'env', symlinks=True)

    def ask_pip(self, *arguments):
        kept = {k: v for k, v in os.environ.items() if not k.startswith('PIP_')}
        settings = {'PIP_NO_INDEX': '1', 'PIP_FIND_LINKS': str(self.wheels)}
        command = [sys.executable, '-m', 'pip', '--python', str(self.python), *arguments]
        environment = {**kept, **settings, 'PIP_CONFIG_FILE': os.devnull}
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        return done.stdout if done.returncode == 0 else ''

    def install(self, *requirements):
        """Install torch and torchvision as a set-up does, return their versions."""
        assert self.ask_pip('install', *RANGES, *requirements)
        (packages,) = self.python.parents[1].glob('lib/python*/site-packages')
        found = {each.name: each.version for each in distributions(path=[str(packages)])}
        return found['torch'], found['torchvision']

    def choose(self, ranges=RANGES):
        return choose_builds(['tiny==1.0', *ranges], self.ask_pip)


@pytest.fixture
def environment(tmp_path):
    """An environment that may have torch 2.14.1 of PyPI."""
    environment = Environment(tmp_path)
    offer(environment.wheels, '2.14.1', '0.29.1')
    return environment


@pytest.fixture
def set_gpus(monkeypatch, tmp_path):
    """Lay the machine out as one whose nvidia-smi does what is said, at first without a GPU."""
    (tmp_path / 'bin').mkdir()
    program = tmp_path / 'bin' / 'nvidia-smi'
    monkeypatch.setattr(torch_builds, 'GPUS', tmp_path / 'gpus')
    monkeypatch.setenv('PATH', f'{program.parent}:{os.environ["PATH"]}')
    monkeypatch.delenv('DIDA_TORCH', raising=False)

    def set_gpus(what_it_does):
        program.write_text(f'#!/bin/sh\n{what_it_does}\n')
        program.chmod(0o755)

    set_gpus('echo "No devices were found" && exit 6')
    return set_gpus


A_GPU = 'echo "GPU 0: NVIDIA H100 (UUID: GPU-1)"'


def test_choose_builds__without_a_gpu_those_for_cpus(environment, set_gpus):
    offer(environment.wheels, '2.14.1+cpu', '0.29.1+cpu')
    pins, said = environment.choose()
    assert pins == ['torch==2.14.1+cpu', 'torchvision==0.29.1+cpu']
    taken = 'torch 2.14.1+cpu and torchvision 0.29.1+cpu'
    assert said == f'no NVIDIA GPU: taking {taken}, 0 MB to fetch'


def test_choose_builds__with_a_gpu_those_with_cuda(environment, set_gpus):
    offer(environment.wheels, '2.14.1+cpu', '0.29.1+cpu')
    set_gpus(A_GPU)
    pins, said = environment.choose()
    assert said == 'taking PyTorch with CUDA, some 6 GB'
    assert environment.install(*pins) == ('2.14.1', '0.29.1')


def test_choose_builds__with_a_gpu_those_for_cpus_if_there_are_no_others(environment, set_gpus):
    offer(environment.wheels, '2.14.1+cpu', '0.29.1+cpu')
    (environment.wheels / 'torch-2.14.1-py3-none-any.whl').unlink()
    set_gpus(A_GPU)
    pins, _ = environment.choose()
    assert environment.install(*pins) == ('2.14.1+cpu', '0.29.1+cpu')


@pytest.mark.parametrize(
    'build', [{'torch': '2.14.1+cpu'}, {'torchvision': '0.29.1+cpu'}, {}], ids=str
)
def test_choose_builds__both_or_neither(environment, set_gpus, build):
    offer(environment.wheels, **build)
    pins, said = environment.choose()
    assert environment.install(*pins) == ('2.14.1', '0.29.1')
    assert said == (
        f'no NVIDIA GPU, {LACK}: taking those with CUDA, some 6 GB; {REMEDY} makes it some 2 GB'
    )


def test_choose_builds__the_newest_that_go_together_within_the_requirements(environment, set_gpus):
    offer(environment.wheels, '2.15.0+cpu', '0.30.0+cpu')
    offer(environment.wheels, '2.14.0+cpu')
    offer(environment.wheels, '2.13.0+cpu', '0.28.0+cpu')
    offer(environment.wheels, '2.12.0+cpu', '0.27.0+cpu')
    pins, _ = environment.choose()
    assert pins == ['torch==2.13.0+cpu', 'torchvision==0.28.0+cpu']


def test_choose_builds__an_environment_for_cpus_stays_one(environment, set_gpus, tmp_path):
    offer(environment.wheels, '2.13.0+cpu', '0.28.0+cpu')
    pins, _ = environment.choose()
    assert environment.install(*pins) == ('2.13.0+cpu', '0.28.0+cpu')
    for wheel in environment.wheels.glob('*+cpu*'):  # a place that is not looked in any more
        wheel.rename(tmp_path / wheel.name)
    set_gpus(A_GPU)
    assert environment.choose() == (pins, '')

    offer(environment.wheels, '2.14.1+cpu', '0.29.1+cpu')
    pins, said = environment.choose(['torch>=2.14,<2.15', 'torchvision>=0.29,<0.30'])
    assert pins == ['torch==2.14.1+cpu', 'torchvision==0.29.1+cpu']
    assert said.startswith('.venv has PyTorch for CPUs: taking torch 2.14.1+cpu and')


def test_choose_builds__an_environment_with_cuda_stays_one(environment, set_gpus):
    (environment.wheels / 'torch-2.14.1-py3-none-any.whl').unlink()
    offer(environment.wheels, '2.13.0', '0.28.0')
    assert environment.install() == ('2.13.0', '0.28.0')
    offer(environment.wheels, '2.14.1', '0.29.1')
    offer(environment.wheels, '2.14.1+cpu', '0.29.1+cpu')
    pins, said = environment.choose()
    assert said == ''
    assert environment.install(*pins) == ('2.13.0', '0.28.0')
    assert environment.install('torch>=2.14', 'torchvision>=0.29', *pins) == ('2.14.1', '0.29.1')


def test_choose_builds__follows_a_wish(environment, set_gpus, monkeypatch):
    monkeypatch.setenv('DIDA_TORCH', 'cuda')
    assert environment.choose() == ([], 'taking PyTorch with CUDA, some 6 GB')

    monkeypatch.setenv('DIDA_TORCH', 'cpu')
    set_gpus(A_GPU)
    with pytest.raises(SetupError) as refused:
        environment.choose()
    assert str(refused.value) == f'DIDA_TORCH=cpu, {LACK}; set {REMEDY}'
    offer(environment.wheels, '2.13.0+cpu', '0.28.0+cpu')
    pins, said = environment.choose()
    assert pins == ['torch==2.13.0+cpu', 'torchvision==0.28.0+cpu']
    assert said.startswith('DIDA_TORCH=cpu: taking torch 2.13.0+cpu and torchvision 0.28.0+cpu')

    monkeypatch.setenv('DIDA_TORCH', 'gpu')
    with pytest.raises(SetupError, match=r"^DIDA_TORCH is one of auto, cpu, cuda; it is 'gpu'$"):
        environment.choose()


def test_choose_builds__where_there_is_nothing_to_choose(monkeypatch):
    assert choose_builds(['tiny==1.0', 'torchmetrics>=1'], ask_pip=None) == ([], '')
    monkeypatch.setattr(torch_builds.sys, 'platform', 'darwin')
    assert choose_builds(RANGES, ask_pip=None) == ([], '')


def test_cpu_versions__are_those_within_the_requirement():
    required = (ROOT / 'requirements.txt').read_text().splitlines()
    ranges = [line for line in required if line.startswith('torch')]
    assert len(ranges) == 2
    assert all(re.fullmatch(r'torch(vision)?>=[\d.]+,<[\d.]+', line) for line in ranges)
    listed = {'versions': ['2.15.0+cpu', '2.14.1+cpu', '2.14.1', '2.11.0+cpu', '2.10.9+cpu']}
    assert torch_builds.cpu_versions(RANGES[0], listed) == ['2.14.1+cpu', '2.11.0+cpu']
    assert torch_builds.cpu_versions('torch==2.11', listed) == ['2.11.0+cpu']
    listed['installed_version'] = '2.12.0+cpu'
    found = torch_builds.cpu_versions(RANGES[0], listed)
    assert found == ['2.12.0+cpu', '2.14.1+cpu', '2.11.0+cpu']


def test_has_nvidia_gpu__by_the_folders_of_the_driver(set_gpus, tmp_path):
    assert not torch_builds.has_nvidia_gpu()
    (tmp_path / 'gpus' / '0000:01:00.0').mkdir(parents=True)
    assert torch_builds.has_nvidia_gpu()


def test_download_size__is_what_the_place_says(tmp_path):
    for name in ('a', 'b'):
        (tmp_path / name).write_bytes(bytes(1_500_000))
    packages = [{'download_info': {'url': (tmp_path / name).as_uri()}} for name in 'abc']
    assert torch_builds.download_size(packages[:2]) == '3 MB to fetch'
    assert torch_builds.download_size(packages) == 'some 200 MB to fetch'


@pytest.fixture(scope='module')
def pip_wheel(tmp_path_factory):
    """The pip of these tests as a wheel, for the one that Python brings along may be too old."""
    pip = distribution('pip')
    path = tmp_path_factory.mktemp('pip') / f'pip-{pip.version}-py3-none-any.whl'
    with zipfile.ZipFile(path, 'w') as wheel:
        for file in pip.files:
            if file.parts[0] != '..' and file.suffix != '.pyc':
                wheel.write(file.locate(), str(file))
    return path


@pytest.mark.parametrize(
    ('builds', 'expected'), [('+cpu', 'no NVIDIA GPU: taking torch'), ('', 'no NVIDIA GPU, but')]
)
def test_bootstrap__takes_the_builds_that_were_chosen_once(tmp_path, pip_wheel, builds, expected):
    checkout = Checkout(tmp_path / 'a checkout')
    (checkout.wheels / pip_wheel.name).symlink_to(pip_wheel)
    copy = checkout.root / 'tools' / 'torch_builds.py'
    assert str(torch_builds.GPUS) in copy.read_text()
    copy.write_text(copy.read_text().replace(str(torch_builds.GPUS), '/no/gpus'))
    (checkout.root / 'bin' / 'nvidia-smi').symlink_to('/bin/false')
    offer(checkout.wheels, '2.14.1', '0.29.1')
    offer(checkout.wheels, f'2.13.0{builds}', f'0.28.0{builds}')
    checkout.require('\n'.join(['tiny==1.0', *RANGES]))
    code, _, said = checkout.run()
    assert code == 0 and f'\nset-up: {expected}' in said, said
    versions = [checkout.version(module) for module in ('torch', 'torchvision')]
    assert versions == (['2.13.0+cpu', '0.28.0+cpu'] if builds else ['2.14.1', '0.29.1'])
    assert checkout.run() == (0, str(checkout.python), '')
