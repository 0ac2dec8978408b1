"""The recipes of CONTRIBUTING.md, followed to the letter, and the places that its walk names."""

import ast
import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from tests.processes import run_tool

ROOT = Path(__file__).resolve().parents[1]
GUIDE = (ROOT / 'CONTRIBUTING.md').read_text(encoding='utf-8')
ADDING = GUIDE[GUIDE.index('\n## Adding\n') :]
RECIPES = re.sub(r'### A loss term\n.*?(?=\n### )', '', ADDING, flags=re.DOTALL)
# What stands before a block of Python says where it goes: `my_parts/head.py`:
BLOCKS = re.findall(r'(?:`([\w/]+\.py)`:\n\n)?```(sh|python)\n(.*?)```', RECIPES, re.DOTALL)
WALKS = dict(re.findall(r'\n## Walk through one (\w+)\n(.*?)(?=\n## )', GUIDE, re.DOTALL))
NOT_COPIED = ('data', 'work_dirs', 'pretrained', 'configs', 'tests', '.git', '.venv')


def call(folder: Path, module: str, arguments: list[str]) -> None:
    """Call a tool in a checkout."""
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    sys.argv = [module, *arguments]
    import_module(module).main()


def follow(folder, name, kind, text):
    """Write a block's file, or run its commands; return what they print."""
    if kind == 'python':
        (folder / name).write_text(text, encoding='utf-8')
        return ''
    said = ''
    for line in text.splitlines():
        words = shlex.split(line)
        if words[0] == 'python':  # in a process that has imported torch already
            module = words[1].removesuffix('.py').replace('/', '.')
            code, output = run_tool(call, folder, module, words[2:])
            assert code == 0, f'{line}\n{output}'
            said += output
        else:
            done = subprocess.run(
                ['sh', '-eu', '-c', line], cwd=folder, capture_output=True, text=True, check=True
            )
            said += done.stdout
    return said


@pytest.fixture(scope='module')
def followed(tmp_path_factory):
    """A checkout without data in which the recipes were followed; and what was said."""
    folder = tmp_path_factory.mktemp('clone')
    for path in ROOT.iterdir():
        if path.name not in NOT_COPIED:
            (folder / path.name).symlink_to(path)
    shutil.copytree(ROOT / 'configs', folder / 'configs')
    return folder, ''.join(follow(folder, *block) for block in BLOCKS)


def test_recipes__all_are_found():
    written = [name for name, kind, _ in BLOCKS if kind == 'python']
    assert all(written)
    parts = [Path(name).stem for name in written if name.startswith('my_parts/')]
    assert {'backbone', 'head', 'data', 'hook'} <= set(parts)
    assert len(written) == 2 * len(parts) + 1  # a config for each, and the small run


def test_recipes__each_comes_to_a_run_that_nothing_stands_in_the_way_of(followed):
    _, said = followed
    for name in ('with_patches', 'with_sum_head', 'with_drawn_streets'):
        assert f'configs/{name}.py: nothing stands in the way of training' in said
    assert 'plug-in my_parts is imported for custom_imports of with_patches.py' in said


def test_recipes__the_hook_has_seen_two_losses(followed):
    folder, _ = followed
    lines = (folder / 'work_dirs/with_loss_file/losses.txt').read_text().split('\n')
    assert [line.split(' ')[0] for line in lines] == ['1', '2', '']
    assert all(float(line.split(' ')[1]) > 0 for line in lines[:2])


def definitions(file):
    """Return the functions, classes and methods (`Class.method`) that a file defines."""
    for node in ast.parse((ROOT / file).read_text(encoding='utf-8')).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        if isinstance(node, ast.ClassDef):
            yield from (
                f'{node.name}.{m.name}' for m in node.body if isinstance(m, ast.FunctionDef)
            )


@pytest.mark.parametrize(('walk', 'fewest', 'most'), [('batch', 10, 15), ('picture', 5, 8)])
def test_walk__every_station_names_what_is_there(walk, fewest, most):
    stations = re.findall(r'^\| (\d+) \|.*?\|([^|]*)\|$', WALKS[walk], re.MULTILINE)
    assert [int(number) for number, _ in stations] == list(range(1, len(stations) + 1))
    assert fewest <= len(stations) <= most
    for number, where in stations:
        links = re.findall(r'\[([^]]*)\]\(([^)]*)\)', where)
        assert links, f'station {number} leads nowhere'
        for names, file in links:
            missing = set(re.findall('`([^`]+)`', names)) - set(definitions(file))
            assert not missing and '`' in names, f'station {number}: {file} lacks {missing}'
