"""Models to measure: no file of weights is needed, and no part of the step is left out."""

import tempfile
from typing import Any

import torch
from mmcv.utils import Config

from mmseg.core.adaptation import bank_of
from mmseg.models import build_backbone, build_train_model

# What images of noise are said to be normalised with.
NORM = {'mean': [123.675, 116.28, 103.53], 'std': [58.395, 57.12, 57.375], 'to_rgb': True}


def build_for_measuring(cfg: Config) -> Any:
    """Build what a config trains, its bank full from the start.

    Where the method looks at ImageNet weights, random ones stand for them.

    Args:
        cfg: A whole config, which is changed: `pretrained` names a file that is gone.
    """
    with tempfile.TemporaryDirectory() as folder:
        backbone = build_backbone(cfg.model.backbone)
        # An encoder of timm names its weights as timm does.
        state = getattr(backbone, 'body', backbone).state_dict()
        owner_of_weights(cfg).pretrained = weights = f'{folder}/backbone.pth'
        torch.save(state, weights)
        model = build_train_model(cfg)
        model.init_weights()
    bank = bank_of(model)
    if bank is not None:
        _fill(bank)
    return model


def owner_of_weights(cfg: Config) -> Any:
    """Return the part of a config whose `pretrained` counts."""
    return cfg.model.backbone if 'pretrained' in cfg.model.backbone else cfg.model


def _fill(bank: Any) -> None:
    """Fill a bank with noise."""
    num_classes, dim = bank.num_classes, bank.features.shape[1]
    present = torch.ones(1, num_classes, dtype=torch.bool)
    while not bank.is_full:
        bank.fill_(torch.rand(1, num_classes, dim), present)
