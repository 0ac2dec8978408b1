"""Packages of others: how they come in, and that a run with one is gone on with and tested."""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mmseg.apis import load_config
from mmseg.apis.plugins import add_plugins_option
from mmseg.core.checkpoint import read_checkpoint
from mmseg.models import BACKBONES
from mmseg.utils.errors import UserError
from tests.apis.toy_plugin import NAME, call_tool, write_package, write_toy_config
from tests.processes import run_tool

ROOT = Path(__file__).resolve().parents[2]
SAID = f'plug-in {NAME} is imported for '


def succeed(path, name, *arguments):
    code, said = run_tool(call_tool, path, name, *arguments)
    assert code == 0, said
    return said


@pytest.mark.parametrize('way', ['custom_imports', '--plugins', 'entry point'])
def test_plugin__is_trained_tested_resumed_shown_and_reported(tmp_path, way):
    """The work dir alone tells every later command what to import."""
    path = write_package(tmp_path / 'path', is_installed=way == 'entry point')
    imports = {'custom_imports': {'imports': [NAME]}} if way == 'custom_imports' else {}
    config, run = write_toy_config(tmp_path, **imports), tmp_path / 'run'
    asked = ['--plugins', NAME] if way == '--plugins' else []

    said = succeed(path, 'tools.train', config, '--work-dir', run, *asked)
    assert said.count(SAID) == 1 and said.index(SAID) < said.index('work dir')
    recorded = json.loads((run / 'config.json').read_text())
    assert recorded['custom_imports'] == {'imports': [NAME], 'allow_failed_imports': False}
    assert 'backbone.first.conv.weight' in read_checkpoint(run / 'latest.pth')['state_dict']
    assert (run / 'noted.txt').read_text() == '1\n2\n'

    said = succeed(path, 'tools.test', run)
    assert SAID in said and 'mIoU' in said
    more = ['--work-dir', run, '--resume', '--options', 'runner.max_iters=3']
    assert SAID in succeed(path, 'tools.train', config, *more)
    assert (run / 'noted.txt').read_text() == '1\n2\n3\n'
    picture = tmp_path / 'source/images/0.png'
    out = ['--out-dir', tmp_path / 'out']
    assert SAID in succeed(path, 'demo.image_demo', picture, run, *out)
    assert list((tmp_path / 'out').rglob('*_overlay.png'))
    succeed(path, 'tools.report', run)
    page = (run / 'report.html').read_text(encoding='utf-8')
    assert '<dt>plug-ins</dt>' in page and f'<dd>{NAME}</dd>' in page


def refused(tmp_path, monkeypatch, *plugins, **changes):
    """Return what is said of a config whose plug-in can't be had."""
    monkeypatch.syspath_prepend(str(tmp_path / 'path'))
    with pytest.raises(UserError) as caught:
        load_config(write_toy_config(tmp_path, **changes), plugins=plugins)
    return str(caught.value)


def write_module(tmp_path, name, text):
    (tmp_path / 'path').mkdir()
    (tmp_path / 'path' / f'{name}.py').write_text(text)


def test_load_config__a_plugin_that_is_nowhere_is_named_and_how_to_have_it(tmp_path, monkeypatch):
    said = refused(tmp_path, monkeypatch, 'dida_nowhere.parts')
    assert 'plug-in dida_nowhere.parts, for --plugins, cannot be imported' in said
    assert 'PYTHONPATH=FOLDER' in said and 'pip install -e FOLDER' in said
    said = refused(tmp_path, monkeypatch, custom_imports={'imports': 'dida_nowhere'})
    assert 'for custom_imports of source_only.json, cannot be imported' in said


@pytest.mark.parametrize(
    ('text', 'reason'),
    [
        ('import dida_needs_this', "ModuleNotFoundError: No module named 'dida_needs_this'"),
        ('\nraise ValueError("odd")', 'ValueError: odd'),
        ('raise SystemExit("over")', 'SystemExit: over'),
    ],
)
def test_load_config__a_plugin_that_fails_says_where(tmp_path, monkeypatch, text, reason):
    write_module(tmp_path, 'dida_failing', text)
    said = refused(tmp_path, monkeypatch, 'dida_failing')
    line = 1 + text.count('\n')
    assert f'fails when it is imported: {reason}' in said
    assert f'dida_failing.py, line {line})' in said


def test_load_config__a_plugin_that_may_be_missing_is_told_of_and_done_without(tmp_path, capsys):
    imports = {'imports': ['dida_nowhere'], 'allow_failed_imports': True}
    config = load_config(write_toy_config(tmp_path, custom_imports=imports))
    assert config.custom_imports == imports
    said = capsys.readouterr().err
    assert 'cannot be imported' in said and 'it is done without' in said


def test_load_config__no_module_beside_a_config_is_imported(tmp_path, monkeypatch, capsys):
    (tmp_path / 'dida_evil.py').write_text('raise SystemExit("run")')
    said = refused(tmp_path, monkeypatch, custom_imports={'imports': ['dida_evil']})
    assert 'there is no dida_evil on Python' in said and not capsys.readouterr().err


def test_load_config__nor_one_that_a_work_dir_brings_along(tmp_path, monkeypatch, capsys):
    run = tmp_path / 'path/dida_work_dirs/run'
    run.mkdir(parents=True)
    for name in ('__init__', 'evil'):
        (run / f'{name}.py').write_text('')
    name = 'dida_work_dirs.run.evil'
    said = refused(tmp_path, monkeypatch, custom_imports={'imports': [name]})
    assert 'lies in a folder that is no package (no __init__.py): if its code is to be' in said
    assert SAID not in capsys.readouterr().err and 'dida_work_dirs' not in sys.modules
    config = load_config(write_toy_config(tmp_path), plugins=[name])
    assert config.custom_imports.imports == [name]


def test_load_config__what_a_python_config_imports_is_recorded_by_what_it_registers(
    tmp_path, monkeypatch
):
    write_module(
        tmp_path,
        'dida_by_python',
        """
from mmseg.models import BACKBONES
@BACKBONES.register_module()
class ByPython: pass
""",
    )
    monkeypatch.syspath_prepend(str(tmp_path / 'path'))
    monkeypatch.setattr(BACKBONES, '_module_dict', dict(BACKBONES.module_dict))
    config = tmp_path / 'config.py'
    config.write_text(
        'import dida_by_python as _\n'
        'model = dict(type="EncoderDecoder", backbone=dict(type="ByPython"))\ndata = dict()\n'
    )
    assert load_config(config).custom_imports.imports == ['dida_by_python']


def test_load_config__without_plugins_nothing_is_recorded(tmp_path):
    config = tmp_path / 'config.json'
    config.write_text('{"model": {"type": "EncoderDecoder"}, "data": {}}')
    assert 'custom_imports' not in load_config(config)


@pytest.mark.parametrize(
    ('imports', 'message'),
    [
        (['a'], 'custom_imports: expected a dict'),
        ({'import': ['a']}, r"'custom_imports\.import' is read by nobody"),
        ({'imports': 3}, r'custom_imports\.imports: expected a text or a list of them, got 3'),
    ],
)
def test_load_config__imports_are_a_list_of_names(tmp_path, imports, message):
    config = tmp_path / 'config.json'
    config.write_text(json.dumps({'model': {}, 'data': {}, 'custom_imports': imports}))
    with pytest.raises(UserError, match=message):
        load_config(config)


def test_replay_batch__imports_nothing_for_a_checkpoint_that_the_user_did_not_name(tmp_path):
    path = write_package(tmp_path / 'path')
    config = load_config(write_toy_config(tmp_path))
    text = json.dumps({**config._cfg_dict, 'custom_imports': {'imports': [NAME]}})
    meta = {'config': text, 'seed': 0, 'iter': 1, 'rank': 0}
    file = tmp_path / 'iter_1_rank_0.pth'
    torch.save({'meta': meta, 'state_dict': {}, 'batch': {}}, file)
    code, said = run_tool(call_tool, path, 'tools.replay_batch', file)
    assert code == 1 and SAID not in said
    assert f'asks for the import of {NAME}, which runs code: give --plugins {NAME}' in said
    code, said = run_tool(call_tool, path, 'tools.replay_batch', file, '--plugins', NAME)
    assert f'{SAID}--plugins' in said


def test_plugins__may_be_repeated_and_joined_by_commas():
    parser = argparse.ArgumentParser()
    add_plugins_option(parser)
    assert parser.parse_args(['--plugins', 'a,b.c', '--plugins', 'd']).plugins == ['a', 'b.c', 'd']
    assert parser.parse_args([]).plugins == []


def test_command_line__finds_a_plugin_on_the_python_path(tmp_path):
    path = write_package(tmp_path / 'path')
    command = [sys.executable, str(ROOT / 'tools/print_config.py'), write_toy_config(tmp_path)]
    environment = {**os.environ, 'PYTHONPATH': str(path)}
    done = subprocess.run(
        [*command, '--plugins', NAME], capture_output=True, text=True, env=environment, check=True
    )
    assert f'{SAID}--plugins' in done.stderr and f"imports=['{NAME}']" in done.stdout
