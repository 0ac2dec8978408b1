import json
import sys

import pytest
from mmcv.utils import Config

from mmseg.utils.errors import UserError
from tests.apis.tiny import write_config
from tools import print_config


@pytest.fixture
def printed(monkeypatch, capsys):
    """Prints a config; returns the text."""

    def printed(*arguments):
        monkeypatch.setattr(sys, 'argv', ['print_config', *map(str, arguments)])
        print_config.main()
        return capsys.readouterr().out

    return printed


def test_print_config__is_a_config_by_itself_with_the_options_in_it(printed, tmp_path):
    text = printed(write_config(tmp_path), '--options', 'optimizer.lr=0.25')
    (tmp_path / 'printed.py').write_text(text)
    config = Config.fromfile(str(tmp_path / 'printed.py'))
    assert config.optimizer.lr == 0.25 and config.optimizer.type == 'AdamW'
    assert config.model.backbone.type == 'mit_b0' and '_base_' not in config


def test_print_config__a_wrong_key_is_refused(printed, tmp_path):
    with pytest.raises(UserError, match="'optimiser' is read by nobody; did you mean 'optimizer'"):
        printed(write_config(tmp_path, optimiser={}))


def test_print_config__explains_a_key_and_names_the_file_that_set_it(printed, tmp_path):
    base = write_config(tmp_path)
    middle, leaf = tmp_path / 'middle.json', tmp_path / 'leaf.json'
    middle.write_text(json.dumps({'_base_': base.name, 'optimizer': {'lr': 0.5}}))
    leaf.write_text(json.dumps({'_base_': middle.name, 'seed': 5}))

    def lines(key, *options):
        return printed(leaf, '--explain', key, *options).splitlines()

    assert lines('optimizer.lr')[-2:] == ['here: 0.5', f'set by: {middle}']
    assert lines('seed')[1:] == [
        'type: a whole number from 0',
        'default: 0',
        'here: 5',
        f'set by: {leaf}',
    ]
    assert lines('optimizer.type')[-1].endswith('configs/_base_/schedules/adamw.py')
    assert lines('optimizer.lr', '--options', 'optimizer.lr=2')[-2:] == [
        'here: 2',
        'set by: --options optimizer.lr=2',
    ]
    head = lines('model.decode_head.dropout_ratio')
    assert head[1:3] == ['type: float', 'default: 0.1']
    unset = lines('dist_params.sync_bn')
    assert unset[-1] == 'here: left out, so that the default holds'


def test_print_config__a_key_that_nobody_reads_is_not_explained(printed, tmp_path):
    with pytest.raises(UserError, match=r"optimizer\.lrr: read by nobody; did you mean 'lr'"):
        printed(write_config(tmp_path), '--explain', 'optimizer.lrr')
