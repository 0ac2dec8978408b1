"""The Dockerfile, as far as it can be followed without building an image."""

import re
import shlex
from pathlib import Path

import pytest

from tools.torch_builds import INDEX

from .wheel import build_wheel, files_of_checkout, names_in

ROOT = Path(__file__).resolve().parents[1]


def instructions():
    """Return what the Dockerfile says, as pairs of an instruction and the rest of its lines."""
    text = re.sub(r'^#.*\n', '', (ROOT / 'Dockerfile').read_text(), flags=re.MULTILINE)
    lines = re.sub(r'\\\n\s*', '', text).splitlines()
    return [tuple(line.split(maxsplit=1)) for line in lines if line]


def commands():
    """Return the commands of RUN as words, without variables that are set for them."""
    runs = [rest for instruction, rest in instructions() if instruction == 'RUN']
    each = [shlex.split(part) for run in runs for part in run.split('&&')]
    return [[word for word in words if not re.match(r'[A-Z_]+=', word)] for words in each]


def copied_files():
    places = [rest.split()[:-1] for instruction, rest in instructions() if instruction == 'COPY']
    sources = [source for group in places for source in group]
    missing = [source for source in sources if not (ROOT / source).exists()]
    assert not missing
    return [
        file
        for file in files_of_checkout()
        if any(file == source or file.startswith(f'{source}/') for source in sources)
    ]


def test_dockerfile__copies_what_installing_reads():
    files = copied_files()
    assert {'setup.py', 'requirements.txt', 'mmseg/version.py', 'tools/train.py'} <= set(files)
    assert not [file for file in files if file.startswith(('tests/', 'docs/'))]


@pytest.mark.smoke
def test_dockerfile__installs_all_that_a_checkout_does(wheel, tmp_path):
    assert names_in(build_wheel(copied_files(), tmp_path)) == names_in(wheel)


def test_dockerfile__takes_pytorch_in_the_versions_that_are_required():
    (command,) = [words for words in commands() if '--index-url' in words]
    assert command[command.index('--index-url') + 1] == '$TORCH_INDEX'
    assert ('ARG', f'TORCH_INDEX={INDEX}') in instructions()
    required = (ROOT / 'requirements.txt').read_text().splitlines()
    assert command[-2:] == [line for line in required if line.startswith('torch')]


def test_dockerfile__installs_as_the_documents_say():
    command = 'PIP_BUILD_CONSTRAINT=build-constraints.txt pip install'
    for document in ('Dockerfile', 'requirements.txt', 'README.md', 'README_zh.md'):
        assert command in (ROOT / document).read_text(encoding='utf-8')
    told = re.findall(r'^#\s+(docker .*)$', (ROOT / 'Dockerfile').read_text(), re.MULTILINE)
    assert len(told) == 2
    for document in ('README.md', 'README_zh.md'):
        assert set(told) <= set((ROOT / document).read_text(encoding='utf-8').splitlines())


def test_dockerfile__runs_nothing_but_what_an_image_has_by_then():
    assert {words[0] for words in commands()} == {'apt-get', 'rm', 'pip', 'dida'}
    assert [words for words in commands() if words[0] == 'dida'] == [
        ['dida', '--version'],
        ['dida', 'experiments', '--list'],
    ]
    assert ('ENTRYPOINT', '["dida"]') in instructions()


@pytest.mark.smoke
def test_dockerfile__its_commands_work_where_the_wheel_is_installed(installed):
    for words in commands():
        if words[0] == 'dida':
            assert installed.run(shlex.join(words))


def test_dockerignore__keeps_what_is_copied():
    ignored = (ROOT / '.dockerignore').read_text().split('\n')[1:]
    tops = {file.partition('/')[0] for file in copied_files()}
    assert not tops & set(ignored)
    assert {'.git', '.venv', 'data', 'work_dirs'} <= set(ignored)
