"""Training lays what is quicker over all of its networks, unless that is switched off."""

import pytest
from mmcv.runner import HOOKS, Hook

from mmseg.apis import load_config, set_random_seed, train_segmentor
from mmseg.datasets import build_dataset
from mmseg.models import build_train_model
from mmseg.utils.errors import UserError
from tests.apis.tiny import write_config

seen = []


@HOOKS.register_module()
class LooksAtLayers(Hook):
    """Notes which layers of the model come from where."""

    def before_run(self, runner):
        modules = dict(runner.model.named_modules())
        quick = [n for n, m in modules.items() if type(m).__module__.startswith('mmseg.speed')]
        seen.append({name.partition('.')[0] for name in quick})


@pytest.mark.parametrize(('speed', 'expected'), [('auto', {'model', 'ema_model'}), ('off', set())])
def test_train__student_and_teacher_are_quick_unless_that_is_off(tmp_path, speed, expected):
    seen.clear()
    hooks = [{'type': 'LooksAtLayers'}]
    cfg = load_config(write_config(tmp_path, True, custom_hooks=hooks), [f'speed={speed}'])
    cfg.work_dir = str(tmp_path / 'run')
    set_random_seed(0)
    train_segmentor(build_train_model(cfg), build_dataset(cfg.data.train), cfg)
    assert seen == [expected]


@pytest.mark.parametrize('key', ['speed', 'recompute'])
def test_config__another_value_is_refused(tmp_path, key):
    with pytest.raises(UserError, match=f"config key {key}: expected 'auto' or 'off', got 'fast'"):
        load_config(write_config(tmp_path), [f'{key}=fast'])
