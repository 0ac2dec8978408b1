"""Several processes of which one is asked to stop."""

import os
import signal
from pathlib import Path

import pytest
from mmcv.runner import HOOKS, Hook

from mmseg.apis import load_config, train_segmentor
from mmseg.core.checkpoint import read_checkpoint
from mmseg.datasets import build_dataset
from mmseg.models import build_train_model
from mmseg.utils.distributed import rank
from tests.apis.tiny import write_config
from tests.processes import run_processes


@HOOKS.register_module()
class SecondIsAsked(Hook):
    """Sends the second process SIGTERM in the third iteration."""

    def before_train_iter(self, runner) -> None:
        if runner.iter == 2 and rank() == 1:
            os.kill(os.getpid(), signal.SIGTERM)


def train(config: Path, work_dir: Path) -> tuple[int, bool]:
    cfg = load_config(config)
    cfg.work_dir = str(work_dir)
    model = build_train_model(cfg)
    model.init_weights()
    runner = train_segmentor(model, build_dataset(cfg.data.train), cfg, validate=True)
    return runner.iter, runner.is_stopped


@pytest.mark.parametrize('interval', [1, 9])
def test_train__all_processes_stop_after_one_iteration_and_the_first_saves(tmp_path, interval):
    config = write_config(
        tmp_path,
        runner={'type': 'IterBasedRunner', 'max_iters': 6},
        checkpoint_config={'interval': interval},
        evaluation={'interval': 3, 'metric': 'mIoU'},
        custom_hooks=[{'type': 'SecondIsAsked'}],
    )
    assert run_processes(2, train, config, tmp_path / 'run') == [(3, True)] * 2
    saved = read_checkpoint(tmp_path / 'run' / 'latest.pth')
    assert saved['meta']['iter'] == 3
    one, other = saved['training']['random_states']
    assert not (one['torch'] == other['torch']).all()
