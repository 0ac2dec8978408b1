"""What README's table "From the paper to the code" names exists, is used, and is what runs."""

import ast
import re
import sys
from pathlib import Path

import torch

from mmseg.speed import SpeedSettings, quicken
from tests.models.uda.test_dacs import INSTANCE, batch, build, sgd

ROOT = Path(__file__).resolve().parents[1]
ENTRY = re.compile(r'\[((?:`[\w.]+`(?:, )?)+)\]\(([\w/]+\.py)\)')


def named_in_table():
    """Return what the table names, as (file, dotted name)."""
    text = (ROOT / 'README.md').read_text(encoding='utf-8')
    table = text.split('## From the paper to the code')[1].split('\n## ')[0]
    return [
        (file, name)
        for names, file in ENTRY.findall(table)
        for name in re.findall(r'`([\w.]+)`', names)
    ]


ENTRIES = named_in_table()


def definition(file, name):
    """Return the function, method or class of a dotted name in a file."""
    scope = ast.parse((ROOT / file).read_text(encoding='utf-8'))
    for part in name.split('.'):
        kinds = ast.FunctionDef | ast.ClassDef
        found = [n for n in scope.body if isinstance(n, kinds) and n.name == part]
        assert len(found) == 1, f'{file} does not define {name}'
        scope = found[0]
    return scope


def used_names():
    """Return every name that code outside tests/ reads, and every `type` that a config asks for."""
    used = set()
    for place in ('mmseg', 'tools', 'benchmarks', 'demo', 'configs'):
        for path in (ROOT / place).glob('**/*.py'):
            for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                    used.add(node.id)
                elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                    used.add(node.attr)
                elif isinstance(node, ast.keyword) and node.arg == 'type':
                    used.add(getattr(node.value, 'value', None))
                elif isinstance(node, ast.Dict):
                    pairs = zip(node.keys, node.values, strict=True)
                    used |= {
                        value.value
                        for key, value in pairs
                        if isinstance(value, ast.Constant) and getattr(key, 'value', None) == 'type'
                    }
    return used


def test_table__names_the_functions_of_the_method():
    assert len(ENTRIES) >= 15


def test_table__everything_that_it_names_has_a_caller_outside_tests():
    used = used_names()
    for file, name in ENTRIES:
        definition(file, name)
        assert name.rpartition('.')[2] in used, f'nothing outside tests/ calls {name} of {file}'


def test_table__a_training_step_with_speed_off_runs_the_equations_that_it_names():
    masks = {'mask_mode': 'separatetrg', 'mask_generator': {'mask_block_size': 16}}
    dacs = build(instance={**INSTANCE, 'smoothing': 0.9, 'vectors': 'boundary'}, **masks)
    quicken(dacs, torch.device('cpu'), SpeedSettings(speed='off'))
    ran = set()

    def note(frame, event, argument):
        if event == 'call':
            ran.add((frame.f_code.co_filename, frame.f_code.co_name))

    while not dacs.bank.is_full:
        dacs.train_step(batch(2, dacs.teacher.num_updates), sgd(dacs))
    sys.setprofile(note)
    try:
        dacs.train_step(batch(2, 9), sgd(dacs))
    finally:
        sys.setprofile(None)
    in_the_step = [
        (file, name.rpartition('.')[2])
        for file, name in ENTRIES
        if 'uda/' in file and isinstance(definition(file, name), ast.FunctionDef)
    ]
    assert ('mmseg/models/uda/interaction.py', 'instance_loss') in in_the_step
    for file, name in in_the_step:
        assert (str(ROOT / file), name) in ran, f'{name} of {file} does not run'
