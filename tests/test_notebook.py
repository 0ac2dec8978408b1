"""docs/quick_start.ipynb, cell by cell, with the wheel of this checkout installed."""

import itertools
import json
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = json.loads((ROOT / 'docs/quick_start.ipynb').read_text(encoding='utf-8'))
CODE = [cell for cell in NOTEBOOK['cells'] if cell['cell_type'] == 'code']
INSTALL = 'install'


def is_install(cell):
    return INSTALL in cell['metadata'].get('tags', [])


def follow(cell, names, run):
    """Do what a cell says: Python here, and lines that begin with `!` in a shell.

    As in Jupyter, the shell knows what Python calls X as $X.
    """
    lines = ''.join(cell['source']).splitlines()
    for is_command, group in itertools.groupby(lines, lambda line: line.startswith('!')):
        if is_command:
            known = {name: str(value) for name, value in names.items() if name.isupper()}
            for line in group:
                run(line[1:], **known)
        else:
            exec('\n'.join(group), names)


def test_notebook__holds_no_outputs():
    assert NOTEBOOK['nbformat'] == 4
    assert all(not cell['outputs'] and cell['execution_count'] is None for cell in CODE)
    assert len({cell['id'] for cell in NOTEBOOK['cells']}) == len(NOTEBOOK['cells'])


def test_notebook__installs_as_the_readme_says():
    (cell,) = filter(is_install, CODE)
    command = 'PIP_BUILD_CONSTRAINT=build-constraints.txt pip install .'
    assert command in ''.join(cell['source'])
    assert command in (ROOT / 'README.md').read_text(encoding='utf-8')


@pytest.mark.smoke
def test_notebook__runs_from_its_first_cell_to_its_last(installed, monkeypatch):
    monkeypatch.chdir(installed.place)
    shown = []
    monkeypatch.setattr(plt, 'show', lambda: shown.append(plt.gcf()))
    names, told = {}, []
    for cell in CODE:
        if not is_install(cell):
            follow(cell, names, lambda line, **known: told.append(installed.run(line, **known)))
    plt.close('all')
    assert len(shown) == 3
    assert sum('mIoU' in text for text in told) >= 4  # two trainings, two tests
    assert (installed.place / 'compared.png').is_file()
