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
