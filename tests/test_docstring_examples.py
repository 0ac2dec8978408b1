"""Public functions of the packages that others build on have an example, and every example runs."""

import ast
import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHOWN = ('mmseg/ops', 'mmseg/models/uda', 'mmseg/models/losses', 'mmseg/core/evaluation')
# Functions that run on a CUDA device alone.
ON_DEVICE = {
    'mmseg.ops.instance_loss_kernels.gradient_kernel': 'a Triton kernel, launched on a grid',
    'mmseg.ops.instance_loss_kernels.statistics_kernel': 'a Triton kernel, launched on a grid',
    'mmseg.ops.instance_loss_triton.triton_loss_and_gradient': 'launches them',
}


def module_of(path):
    name = path.relative_to(ROOT).with_suffix('').as_posix().replace('/', '.')
    return name.removesuffix('.__init__')


def examples(source):
    """Return the examples in the docstring of each public function of a module, by its source."""
    functions = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    return {
        node.name: doctest.DocTestParser().get_examples(ast.get_docstring(node) or '')
        for node in functions
        if not node.name.startswith('_')
    }


FILES = [path for folder in SHOWN for path in sorted((ROOT / folder).rglob('*.py'))]
FUNCTIONS = {
    f'{module_of(path)}.{name}': found
    for path in FILES
    for name, found in examples(path.read_text(encoding='utf-8')).items()
}
WITH_EXAMPLES = sorted(
    module_of(path)
    for path in (ROOT / 'mmseg').rglob('*.py')
    if '>>> ' in path.read_text(encoding='utf-8')
)


def test_examples__a_function_without_one_is_seen():
    shown = 'def shown():\n    """Give 1.\n\n    >>> shown()\n    1\n    """\n    return 1\n'
    found = examples(shown + 'def untold():\n    """Give 1."""\ndef _inner(): ...\n')
    assert {name: len(lines) for name, lines in found.items()} == {'shown': 1, 'untold': 0}


@pytest.mark.parametrize('function', sorted(FUNCTIONS.keys() - ON_DEVICE))
def test_examples__every_public_function_has_one(function):
    assert FUNCTIONS[function], f'{function} has no example (>>>) in its docstring'


def test_examples__functions_that_need_none_exist():
    assert ON_DEVICE.keys() <= FUNCTIONS.keys()


@pytest.mark.parametrize('module', WITH_EXAMPLES)
def test_examples__give_what_they_say(module):
    lines = []
    finder, runner = doctest.DocTestFinder(), doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for example in finder.find(importlib.import_module(module)):
        runner.run(example, out=lines.append)
    assert runner.tries > 0
    assert not lines, ''.join(lines)
