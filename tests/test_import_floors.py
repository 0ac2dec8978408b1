"""A file imports only from lower floors, and at its top."""

import ast
import graphlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

PROGRAMS = ['create_buffer', 'experiments', 'run_experiments']

# Packages on one floor never import each other.
FLOORS = [
    ['mmseg.version'],
    ['mmseg.utils'],
    ['mmseg.ops'],
    ['mmseg.core'],
    ['mmseg.street_scenes', 'mmseg.datasets', 'mmseg.models'],
    ['mmseg.speed'],
    ['mmseg.apis'],
    ['mmseg.report', 'mmseg.selection'],
    ['mmseg.experiments'],
    ['mmseg.own_data'],
    ['benchmarks'],
    ['tools', *PROGRAMS],
    ['demo'],
    ['mmseg.__main__'],
    ['tests'],
]
MODEL_FLOORS = [
    ['mmseg.models.ignored_label', 'mmseg.models.contracts'],
    ['mmseg.models.builder'],
    ['mmseg.models.losses', 'mmseg.models.backbones', 'mmseg.models.necks'],
    ['mmseg.models.decode_heads'],
    ['mmseg.models.segmentors'],
    ['mmseg.models.uda'],
    ['mmseg.models.compat'],
]
UDA_STEP = 'mmseg.models.uda.dacs'
OUR_PACKAGES = ('mmseg', 'benchmarks', 'tools', 'demo', *PROGRAMS, 'tests')

SOURCES = sorted(
    path
    for place in ('mmseg', 'benchmarks', 'tools', 'demo', '.')
    for path in (ROOT / place).glob('*.py' if place == '.' else '**/*.py')
)


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix('').parts
    return '.'.join(parts[:-1] if parts[-1] == '__init__' else parts)


MODULES = {module_name(path): path for path in SOURCES}


def imported_modules(name, path, tree):
    """Yield the project's modules that a file imports, and the statements that do it."""
    package = name if path.name == '__init__.py' else name.rpartition('.')[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.split('.')[: len(package.split('.')) - node.level + 1]
            base = '.'.join([*(above if node.level else []), *filter(None, [node.module])])
            targets = [target_module(base, alias.name) for alias in node.names]
        else:
            continue
        for target in targets:
            if target.split('.')[0] in OUR_PACKAGES:
                yield node, target


def target_module(base, name):
    """Return the module that `from base import name` reaches for."""
    return f'{base}.{name}' if f'{base}.{name}' in MODULES else base


def is_in(module, package):
    return module == package or module.startswith(f'{package}.')


def floor_of(module, floors):
    """Return the number of a module's floor and its package there, or None."""
    for number, packages in enumerate(floors):
        for package in packages:
            if is_in(module, package):
                return number, package
    return None


def violations(name, path, floors):
    here = floor_of(name, floors)
    if here is None:
        return []
    found = []
    for node, target in imported_modules(name, path, ast.parse(path.read_text(encoding='utf-8'))):
        there = floor_of(target, floors)
        if there is not None and there[1] != here[1] and there[0] >= here[0]:
            found.append(f'{path.relative_to(ROOT)}:{node.lineno} imports {target}')
    return found


@pytest.mark.parametrize('name', MODULES)
def test_import_floors__a_module_imports_from_lower_floors_only(name):
    assert not violations(name, MODULES[name], FLOORS)


@pytest.mark.parametrize('name', [name for name in MODULES if is_in(name, 'mmseg.models')])
def test_import_floors__inside_models_too(name):
    assert not violations(name, MODULES[name], MODEL_FLOORS)


@pytest.mark.parametrize(
    'name',
    [
        n
        for n in MODULES
        if is_in(n, 'mmseg.models.uda') and n not in (UDA_STEP, 'mmseg.models.uda')
    ],
)
def test_import_floors__parts_of_adaptation_do_not_know_the_step(name):
    path = MODULES[name]
    tree = ast.parse(path.read_text(encoding='utf-8'))
    targets = [target for _, target in imported_modules(name, path, tree)]
    assert UDA_STEP not in targets and 'mmseg.models.uda' not in targets


@pytest.mark.parametrize('name', MODULES)
def test_import_floors__no_import_hides_in_a_function(name):
    path = MODULES[name]
    tree = ast.parse(path.read_text(encoding='utf-8'))
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    hidden = [
        f'{path.relative_to(ROOT)}:{node.lineno} imports {target}'
        for function in functions
        for node, target in imported_modules(name, path, function)
    ]
    assert not hidden


def test_import_floors__no_circles():
    graph = {}
    for name, path in MODULES.items():
        tree = ast.parse(path.read_text(encoding='utf-8'))
        graph[name] = {target for _, target in imported_modules(name, path, tree)}
    order = graphlib.TopologicalSorter(graph)
    order.prepare()  # raises CycleError, which names the modules of a circle


def test_import_floors__every_package_has_its_floor():
    packages = {'.'.join(n.split('.')[: 1 + is_in(n, 'mmseg')]) for n in MODULES}
    assert all(floor_of(package, FLOORS) for package in packages - {'mmseg', 'setup'})
    parts = {'.'.join(n.split('.')[:3]) for n in MODULES if n.startswith('mmseg.models.')}
    assert all(floor_of(part, MODEL_FLOORS) for part in parts)


def test_import_floors__a_wrong_import_is_seen(tmp_path):
    path = MODULES['mmseg.utils.errors']
    tree = ast.parse('from mmseg.models import builder\nfrom ..ops import resize\nimport json')
    found = [target for _, target in imported_modules('mmseg.utils.errors', path, tree)]
    assert found == ['mmseg.models.builder', 'mmseg.ops.resize']
    assert all(floor_of(target, FLOORS)[0] > 0 for target in found)
