"""The table of programs, and how they are called in a checkout and where it is installed."""

import pytest

from mmseg.utils import programs
from mmseg.utils.places import HOME
from mmseg.utils.programs import PROGRAMS, how_to_call, overview, process_of, purpose_of

# They set up a checkout, and write its documentation.
OF_A_CHECKOUT = {'tools/bootstrap.py', 'tools/document_config.py'}


def test_programs__name_every_file_that_is_one():
    files = [path for folder in ('tools', 'demo') for path in (HOME / folder).rglob('*.py')]
    files += [path for path in HOME.glob('*.py') if path.name != 'setup.py']
    is_program = "if __name__ == '__main__':"
    found = {path.relative_to(HOME).as_posix() for path in files if is_program in path.read_text()}
    assert found - OF_A_CHECKOUT == set(PROGRAMS.values())


@pytest.mark.parametrize(('name', 'file'), PROGRAMS.items())
def test_programs__are_called_as_their_files(name, file):
    words = name.split()
    stem = file.rpartition('/')[2].removesuffix('.py').replace('_', '-')
    exceptions = {'run': 'run-experiments', 'convert-weights': 'segformer-hf'}
    assert exceptions.get(name, words[-1]) == stem
    assert len(words) == 1 or file.startswith('tools/convert_datasets/')


@pytest.mark.parametrize('file', PROGRAMS.values())
def test_purpose_of__is_one_plain_line(file):
    line = purpose_of(file)
    assert 10 < len(line) < 100 and line[0].isupper()
    assert 'python' not in line and not line.endswith(('.', ':'))


def test_overview__has_a_line_for_each_name_below_its_group():
    lines = overview(['train', 'convert gta']).splitlines()
    assert lines == [
        'train:',
        '  train        Train one config',
        '',
        'make data, weights and banks:',
        "  convert gta  Convert GTA's labels to train ids",
    ]


@pytest.mark.parametrize(
    ('is_installed', 'expected'),
    [
        (False, ["python tools/train.py 'a b.py'", "sh demo.sh 'a b.py'"]),
        (True, ["dida train 'a b.py'", "dida demo 'a b.py'"]),
    ],
)
def test_how_to_call__is_what_the_user_has(monkeypatch, is_installed, expected):
    monkeypatch.setattr(programs, 'IS_INSTALLED', is_installed)
    monkeypatch.setattr(programs, 'python_here', lambda: 'python')
    calls = [
        how_to_call('tools/train.py', 'a b.py'),
        how_to_call('tools/demo.py', 'a b.py', script='demo.sh'),
    ]
    assert calls == expected


def test_process_of__an_installed_program_is_started_by_its_file(monkeypatch):
    """With -m, a folder `tools` or `mmseg` of the user's would be started instead."""
    monkeypatch.setattr(programs, 'IS_INSTALLED', True)
    assert process_of('tools/train.py')[1:] == [str(HOME / 'tools/train.py')]
