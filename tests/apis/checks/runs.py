"""Runs to look at: the tiny data set, changed, and the model of its config."""

import json
from collections.abc import Callable
from pathlib import Path

from mmcv.utils import Config
from torch import nn

from mmseg.apis import load_config
from mmseg.apis.checks import Finding, RunUnderCheck
from mmseg.datasets import build_dataset
from mmseg.models import build_train_model
from tests.apis.tiny import write_config


def config_of(folder: Path, uda: bool = False, **options: object) -> Config:
    """Write the tiny run; options are settings by their dotted names, dots written as `__`."""
    path = write_config(folder, uda)
    given = [f'{key.replace("__", ".")}={_text(value)}' for key, value in options.items()]
    cfg = load_config(path, given)
    cfg.setdefault('work_dir', str(folder / 'run'))
    return cfg


def run_of(folder: Path, uda: bool = False, **options: object) -> RunUnderCheck:
    """Build a run; see `config_of`."""
    return built(config_of(folder, uda, **options))


def built(cfg: Config, validate: bool = True, with_model: bool = True) -> RunUnderCheck:
    """Build the data set and the model of a config; without a model one of a single weight."""
    model = build_train_model(cfg) if with_model else nn.Linear(1, 1, bias=False)
    if with_model:
        model.init_weights()
    return RunUnderCheck(cfg, build_dataset(cfg.data.train), model, validate=validate)


def data_of(folder: Path, uda: bool = False, **options: object) -> RunUnderCheck:
    """Build the data set of a run alone; see `config_of`."""
    return built(config_of(folder, uda, **options), with_model=False)


def messages(
    check: Callable[[RunUnderCheck], object], run: RunUnderCheck, severity: str = 'error'
) -> list[str]:
    """Return what a check says of a run, all of it of one severity."""
    found: list[Finding] = list(check(run))  # type: ignore[call-overload]
    assert {finding.severity for finding in found} <= {severity}, found
    assert all('\n' not in finding.message for finding in found)
    return [finding.message for finding in found]


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
