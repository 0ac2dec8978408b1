import json
import math
import sys

import pytest

from mmseg.apis import load_config
from mmseg.utils.errors import UserError
from tests.apis.tiny import write_config
from tests.configs.composed import BASES, write_composed
from tests.golden import FOLDER
from tools import get_param_count


@pytest.fixture
def model_cfg(tmp_path):
    """Reads the `model` of a file in configs/_base_/models."""
    return lambda name: load_config(write_composed(BASES / 'models' / f'{name}.py', tmp_path)).model


@pytest.mark.parametrize('name', ['daformer_sepaspp_mitb5', 'daformer_conv1_mitb5'])
def test_count__parameters_are_those_of_the_published_network(model_cfg, name):
    shapes = json.loads((FOLDER / 'state_dict_keys.json').read_text())[name]
    buffers = ('running_mean', 'running_var', 'num_batches_tracked')
    published = {k: math.prod(s) for k, s in shapes.items() if not k.endswith(buffers)}
    counts = get_param_count.count(model_cfg(name), (64, 64))
    assert counts['all'][0] == sum(published.values())
    for part in ('backbone', 'decode_head'):
        assert counts[part][0] == sum(n for k, n in published.items() if k.startswith(part))


def test_count__operations_of_the_parts_make_up_the_whole(model_cfg):
    cfg = model_cfg('daformer_conv1_mitb0_ch64')
    small, large = (get_param_count.count(cfg, shape) for shape in ((64, 64), (128, 64)))
    assert set(small) == {'backbone', 'decode_head', 'all'}
    assert small['backbone'][1] + small['decode_head'][1] == small['all'][1] > 0
    # Convolutions and linear layers do the same for every pixel.
    assert large['decode_head'][1] == 2 * small['decode_head'][1]
    assert large['all'][0] == small['all'][0]


def test_count__a_multiplication_and_an_addition_are_two(model_cfg):
    cfg = model_cfg('daformer_conv1_mitb0_ch64')
    # 16×16 cells: linear layers to 64 channels at strides 4 to 32, fusion, classifier.
    channels, cells = (32, 64, 160, 256), (256, 64, 16, 4)
    products = sum(64 * c * n for c, n in zip(channels, cells, strict=True))
    products += 256 * (4 * 64 * 64 + 64 * 19)
    assert get_param_count.count(cfg, (64, 64))['decode_head'][1] == 2 * products


def test_get_param_count__prints_a_table_for_each_config(tmp_path, monkeypatch, capsys):
    config = str(write_config(tmp_path))
    monkeypatch.setattr(sys, 'argv', ['tool', config, config, '--shape', '40', '56'])
    get_param_count.main()
    out = capsys.readouterr().out
    assert out.count(f'{config}, one image of 40×56') == out.count('parameters (M)') == 2
    assert all(f'\n{part} ' in out for part in ('backbone', 'decode_head', 'all'))


def test_get_param_count__a_shape_of_nothing_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['tool', str(write_config(tmp_path)), '--shape', '0', '9'])
    with pytest.raises(UserError, match='--shape: expected sizes from 1 on, got 0 9'):
        get_param_count.main()
