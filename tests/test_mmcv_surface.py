"""What of mmcv-full is used is written down, and is there: the day that one of it goes is known."""

import ast
import pkgutil
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / 'docs/compatibility.md'
FOLDERS = ('mmseg', 'tools', 'demo', 'benchmarks')


def used_in(source):
    """Return the names that a file takes from mmcv, as dotted paths."""
    tree = ast.parse(source)
    found, modules = set(), {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and is_mmcv(node.module):
            found |= {f'{node.module}.{alias.name}' for alias in node.names}
        elif isinstance(node, ast.Import):
            names = [alias for alias in node.names if is_mmcv(alias.name)]
            modules |= {alias.asname or 'mmcv': alias.asname and alias.name for alias in names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            base, _, rest = ast.unparse(node).partition('.')
            if base in modules and re.fullmatch(r'[\w.]+', rest):
                found.add(f'{modules[base] or base}.{rest}')
    # Of mmcv.a.b the inner attribute mmcv.a is seen too.
    return {name for name in found if not any(other.startswith(f'{name}.') for other in found)}


def is_mmcv(module):
    return module.split('.')[0] == 'mmcv'


def written_down():
    """Return the names that the page lists, row by row."""
    _, _, section = PAGE.read_text(encoding='utf-8').partition('## What of mmcv-full is used')
    rows = re.findall(r'^\| `(mmcv[\w.]*)` \| (.*?) \|', section, re.MULTILINE)
    return {f'{module}.{name}' for module, names in rows for name in re.findall(r'`(\w+)`', names)}


def test_used_in__finds_names_however_they_are_imported():
    source = 'import mmcv\nimport mmcv.ops as o\nfrom mmcv.cnn import Scale\nmmcv.imread(mmcv.a.b)'
    assert used_in(f'{source}\no.nms()\nother.mmcv.thing') == {
        *('mmcv.imread', 'mmcv.a.b', 'mmcv.cnn.Scale', 'mmcv.ops.nms'),
    }


def test_mmcv__all_that_is_used_is_written_down_and_nothing_else():
    files = [path for folder in FOLDERS for path in (ROOT / folder).rglob('*.py')]
    used = set().union(*(used_in(path.read_text(encoding='utf-8')) for path in files))
    assert written_down() == used


@pytest.mark.parametrize('name', sorted(written_down()))
def test_mmcv__has_what_is_used(name):
    assert pkgutil.resolve_name(name) is not None
