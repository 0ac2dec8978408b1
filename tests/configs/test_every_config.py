"""Every file under configs/ loads, holds only keys that are read, builds, and trains."""

import json
import subprocess
import sys

import pytest
import torch

from mmseg.apis import load_config
from mmseg.apis.checks import RunUnderCheck, findings_of
from mmseg.apis.run_datasets import build_run_dataset
from mmseg.datasets.pipelines import Compose
from mmseg.experiments import runs, smoke
from mmseg.experiments.table import EXPERIMENTS, generate_experiment_cfgs
from mmseg.models import build_train_model
from tools import train as train_tool

from .composed import CONFIGS, FILES, name_of, write_composed


@pytest.fixture(params=FILES, ids=name_of)
def config_file(request, tmp_path):
    """A config file, completed to a run where it is only a part of one."""
    return write_composed(request.param, tmp_path)


def pipelines(config):
    """Yield every pipeline below a config of data sets."""
    for key, value in config.items():
        if key == 'pipeline':
            yield value
        elif isinstance(value, dict):
            yield from pipelines(value)


def test_every_config__has_only_known_keys_and_builds(config_file):
    cfg = load_config(config_file)
    # Parameters without memory, so that large networks build at once; a bank counts its entries.
    has_bank = (cfg.get('uda') or {}).get('instance')
    with torch.device('cpu' if has_bank else 'meta'):
        model = build_train_model(cfg)
    assert any(parameter.requires_grad for parameter in model.parameters())
    for pipeline in pipelines(cfg.data):
        assert Compose(pipeline).transforms


def test_every_config__a_slip_of_the_pen_is_found(config_file):
    config = json.loads(config_file.read_text())
    config_file.write_text(json.dumps({**config, 'modle': {}}))
    with pytest.raises(ValueError, match="'modle' is read by nobody; did you mean 'model'"):
        load_config(config_file)


@pytest.fixture(scope='session')
def streets(tmp_path_factory):
    """Small drawn streets in the layouts of all data sets."""
    root = tmp_path_factory.mktemp('streets')
    smoke.prepare_smoke_streets(root)
    return root


@pytest.mark.smoke
@pytest.mark.parametrize(('exp', 'run'), [(0, 0), (0, 1), (9, 0), (7, 0), (8, 0), (16, 1), (22, 2)])
def test_every_experiment__has_nothing_to_be_warned_of(exp, run, streets, tmp_path, monkeypatch):
    monkeypatch.setattr(runs, 'GENERATED', tmp_path / 'configs/generated')
    monkeypatch.setattr(runs, 'WORKSPACE', tmp_path)
    (tmp_path / 'configs').mkdir()
    (tmp_path / 'configs/_base_').symlink_to(CONFIGS / '_base_')
    config = generate_experiment_cfgs(exp)[run]
    path = tmp_path / runs.write_config(config, tmp_path / 'run', 'json')
    smoke.shrink(path, streets)
    cfg = load_config(path)
    model = build_train_model(cfg)
    run_under_check = RunUnderCheck(cfg, build_run_dataset(cfg, cfg.data.train), model)
    assert list(findings_of(run_under_check)) == []


@pytest.mark.smoke
def test_every_config__trains_two_iterations_and_is_evaluated(
    config_file, streets, tmp_path, monkeypatch
):
    smoke.shrink(config_file, streets)
    work_dir = tmp_path / 'run'
    monkeypatch.setattr(sys, 'argv', ['train', str(config_file), '--work-dir', str(work_dir)])
    train_tool.main()
    result = json.loads((work_dir / 'result.json').read_text())
    assert 0 <= result['mIoU'] <= 100
    assert (result['mIoU_teacher'] is not None) == bool(load_config(config_file).get('uda'))
    assert (work_dir / f'iter_{smoke.MAX_ITERS}.pth').is_file()


@pytest.mark.smoke
@pytest.mark.parametrize('id', [100, 101])
def test_every_experiment__all_networks_and_methods_run(id, tmp_path):
    command = [sys.executable, 'run_experiments.py', '--exp', str(id), '--smoke']
    done = subprocess.run(
        [*command, '--work-root', str(tmp_path)], cwd=CONFIGS.parent, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    summary = json.loads((tmp_path / f'local-exp{id}-smoke' / 'summary.json').read_text())
    assert len(summary['runs']) == len(EXPERIMENTS[id].runs)
