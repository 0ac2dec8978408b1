"""What the code imports is what its requirements install."""

import ast
import re
import sys
from collections import defaultdict
from importlib.metadata import distributions as installed_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ('mmseg', 'tools', 'demo', 'benchmarks')
OURS = {*FOLDERS, 'tests', 'experiments', 'run_experiments', 'create_buffer'}
# Files that need what setup.py offers as an extra.
OPTIONAL = {
    'mmseg/models/backbones/lora.py',
    'mmseg/own_data/formats/runs.py',
    'demo/web.py',
}
# Comes with PyTorch where there is a GPU.
WITH_TORCH = {'triton'}


def distributions_by_module():
    """Return which packages hold a module; before Python 3.11 the library knows but some."""
    found = defaultdict(list)
    for package in installed_distributions():
        told = (package.read_text('top_level.txt') or '').split()
        seen = {file.parts[0] for file in package.files or [] if file.suffix == '.py'}
        for module in told or seen:
            found[module.removesuffix('.py')].append(package.metadata['Name'])
    return found


DISTRIBUTIONS = distributions_by_module()


def normalized(name):
    return re.sub(r'[-_.]+', '-', name).lower()


def required(file):
    lines = (line.split('#')[0].strip() for line in (ROOT / file).read_text().splitlines())
    return {normalized(re.match(r'[\w.-]+', line)[0]) for line in lines if line}


def imported(path):
    """Return the packages from outside that a file imports at its top."""
    modules = set()
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            modules |= {alias.name.split('.')[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            modules.add(node.module.split('.')[0])
    return modules - OURS - set(sys.stdlib_module_names) - WITH_TORCH


def distributions(modules):
    # A module that is not installed is called as its package is.
    return {normalized(name) for m in modules for name in DISTRIBUTIONS.get(m, [m])}


def sources(*folders):
    files = [path for folder in folders for path in sorted((ROOT / folder).rglob('*.py'))]
    return [path.relative_to(ROOT).as_posix() for path in files]


@pytest.mark.parametrize('file', [*sources(*FOLDERS), 'create_buffer.py', 'run_experiments.py'])
def test_requirements__what_a_file_imports_is_required(file):
    known = required('requirements.txt')
    if file in OPTIONAL:
        known |= required('requirements-dev.txt')
    assert distributions(imported(ROOT / file)) <= known


@pytest.mark.parametrize('file', sources('tests'))
def test_requirements__what_a_test_imports_is_required_for_development(file):
    known = required('requirements.txt') | required('requirements-dev.txt')
    assert distributions(imported(ROOT / file)) <= known


def test_requirements__a_package_that_is_not_required_is_seen(tmp_path):
    (tmp_path / 'new.py').write_text(
        'import json\nimport networkx.ndimage\nfrom mmseg import ops\n'
    )
    assert imported(tmp_path / 'new.py') == {'networkx'}
    assert 'networkx' not in required('requirements.txt')
