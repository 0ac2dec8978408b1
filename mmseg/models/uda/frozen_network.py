"""When a run has the feature distance's frozen network, and where its weights come from."""

from collections.abc import Iterable
from typing import Any

from mmseg.models.builder import has_pretrained
from mmseg.utils.errors import UserError
from mmseg.utils.logger import get_root_logger


def comes_from_checkpoint(state_dict: Iterable[str], weight: float, is_on: bool) -> bool:
    """Say whether a run that goes on has to take its frozen network from the checkpoint.

    Args:
        state_dict: Names of the entries of the whole model that the run goes on from.
        weight: λ_FD of the run.
        is_on: Whether the run has a frozen network already, of ImageNet weights.

    Raises:
        UserError: The run has had a feature distance so far and is to go on without one, or the
            other way round.

    >>> entries = ['model.backbone.w', 'ema_model.backbone.w', 'imnet_model.backbone.w']
    >>> comes_from_checkpoint(entries, weight=0.005, is_on=False)
    True
    """
    networks = {key.partition('.')[0] for key in state_dict}
    is_held = 'imnet_model' in networks
    if is_held == is_on or 'ema_model' not in networks:
        return False
    if is_on:
        raise UserError(
            'the checkpoint is of a run without the feature distance (its config had none, or its '
            'ImageNet weights were not found), and here it is on: to go on as the run began, give '
            '--options uda.imnet_feature_dist_lambda=0'
        )
    if weight <= 0:
        raise UserError(
            'the checkpoint is of a run with the feature distance, and here '
            'uda.imnet_feature_dist_lambda=0 switches it off: set that as it was, or begin another '
            'run from the weights, with --load-from'
        )
    return True


def has_imagenet_weights(backbone: Any) -> bool:
    """Say whether a backbone has weights to load, and tell where it has none.

    >>> from types import SimpleNamespace
    >>> has_imagenet_weights(SimpleNamespace(pretrained='https://weights.org/mit_b5.pth'))
    True
    """
    path = getattr(backbone, 'pretrained', None)
    if has_pretrained(path):
        return True
    get_root_logger().warning(
        'No ImageNet weights (%s): the feature distance is off.', path or 'pretrained is not set'
    )
    return False
