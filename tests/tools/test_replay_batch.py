import json
import sys

import pytest
import torch
from mmcv.runner import HOOKS, Hook

from mmseg.utils.cli import run_cli
from mmseg.utils.errors import UserError
from tests.apis.tiny import write_config
from tools import replay_batch, train


@HOOKS.register_module()
class SpoilsWeights(Hook):
    """Makes a weight of the student infinite in the third iteration."""

    def __init__(self, layer) -> None:
        self.layer = layer

    def before_train_iter(self, runner) -> None:
        if runner.iter == 2:
            model = getattr(runner.model, 'model', runner.model)
            model.get_submodule(self.layer).weight.data[0, 0] = float('inf')


@pytest.fixture(params=[True, False], ids=['uda', 'source_only'])
def uda(request):
    return request.param


@pytest.fixture(
    params=[
        'decode_head.conv_seg',
        # a layer that training runs as one with those around it
        'decode_head.fuse_layer.aspp_modules.1.depthwise_conv.conv',
    ]
)
def layer(request):
    return request.param


@pytest.fixture
def stopped(uda, layer, tmp_path, monkeypatch):
    """A run that has met weights that are not finite; the file it saved."""
    changes = {
        'runner': {'type': 'IterBasedRunner', 'max_iters': 9},
        'custom_hooks': [{'type': 'SpoilsWeights', 'layer': layer}],
        'max_skipped_steps': 2,
    }
    config = write_config(tmp_path, uda, **changes)
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    monkeypatch.setattr(
        sys, 'argv', ['train', str(config), '--work-dir', str(tmp_path / 'run'), '--no-validate']
    )
    with pytest.raises(UserError, match=r'2 steps in a row were not finite.*replay_batch\.py'):
        train.main()
    (path,) = (tmp_path / 'run' / 'non_finite').iterdir()
    return path


def test_replay_batch__names_images_losses_and_where_it_broke(
    stopped, uda, layer, capsys, monkeypatch
):
    monkeypatch.setattr(sys, 'argv', ['replay_batch', str(stopped)])
    replay_batch.main()
    said = capsys.readouterr().out
    (log,) = stopped.parents[1].glob('*.log.json')
    logged = [json.loads(line) for line in log.read_text().splitlines()]
    assert 'img_metas: ' in said and '.png' in said
    assert 'decode.loss_seg: nan' in said or 'decode.loss_seg: inf' in said
    named = said.split('first module whose output is not finite: ')[1].splitlines()[0]
    assert named == (f'model.{layer}' if uda else layer)
    assert logged[-1]['iter'] <= 4


def test_replay_batch__another_file_is_refused(tmp_path, capsys, monkeypatch):
    torch.save({'state_dict': {}}, tmp_path / 'x.pth')
    monkeypatch.setattr(sys, 'argv', ['replay_batch', str(tmp_path / 'x.pth')])
    with pytest.raises(SystemExit):
        run_cli(replay_batch.main)
    assert 'holds no batch' in capsys.readouterr().err
