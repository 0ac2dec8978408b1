"""A run that adapted to something, for tools that look at such runs."""

import json
import shutil
import sys
from pathlib import Path

import pytest
import torch

from mmseg.utils.cli import run_cli
from tests.apis.tiny import write_config
from tools import train


def adapted_run(folder: Path) -> Path:
    """Train on five images of a target; return the work dir, which holds two checkpoints."""
    config = write_config(folder, uda=True)
    content = json.loads(config.read_text())
    content['uda']['imnet_feature_dist_lambda'] = 0
    for index in (3, 4):
        for kind in ('images', 'labels'):
            shutil.copy(folder / f'target/{kind}/0.png', folder / f'target/{kind}/{index}.png')
    config.write_text(json.dumps(content))
    work_dir = folder / 'work'
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.cuda, 'is_available', lambda: False)
        patch.setattr(sys, 'argv', ['train', str(config), '--work-dir', str(work_dir)])
        run_cli(train.main)
    return work_dir
