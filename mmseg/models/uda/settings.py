"""Checks of the settings of `uda`, each with one line that says what was expected."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from mmcv.cnn.bricks import HSigmoid
from torch import nn

from mmseg.utils.errors import UserError

_NEVER_NEGATIVE = (nn.ReLU, nn.ReLU6, nn.Sigmoid, nn.Softplus, nn.Hardsigmoid, HSigmoid)
NEEDS_NO_NEGATIVES = (
    "uda.instance.form='sum' divides similarities by their sum, so that features must never be "
    "negative, but {}: set uda.instance.form='softmax', or let a ReLU end the head"
)


def expect(holds: bool, name: str, expected: str, value: object, hint: str = '') -> None:
    """Refuse the setting `uda.<name>` with a `UserError` unless it `holds`.

    >>> alpha = 1.5
    >>> expect(0 <= alpha < 1, 'alpha', 'a momentum in [0, 1)', alpha)
    Traceback (most recent call last):
    mmseg.utils.errors.UserError: uda.alpha: expected a momentum in [0, 1), got 1.5
    """
    if not holds:
        raise UserError(f'uda.{name}: expected {expected}, got {value!r}{hint}')


def check_form(form: str, head: Any) -> None:
    """Refuse form 'sum' for a decode head whose last activation lets negative features pass.

    Of a head that can't tell its `embedding_layer`, the first batch tells.

    >>> head = nn.Module()
    >>> head.embedding_layer = nn.Conv2d(8, 8, 1)
    >>> check_form('sum', head)
    Traceback (most recent call last):
    mmseg.utils.errors.UserError: uda.instance.form='sum' ... but Module ends with no activation...
    """
    if form != 'sum' or head.embedding_layer is None:
        return
    activation = getattr(head.embedding_layer, 'activate', None)
    if not isinstance(activation, _NEVER_NEGATIVE):
        name = 'no activation' if activation is None else type(activation).__name__
        raise UserError(NEEDS_NO_NEGATIVES.format(f'{type(head).__name__} ends with {name}'))


def check_ways(model: Any) -> None:
    """Refuse a network that trains or tests in a way of its own, which would never be called.

    >>> network = nn.Module()
    >>> network.own_ways = ['forward_train']
    >>> check_ways(network)
    Traceback (most recent call last):
    mmseg.utils.errors.UserError: forward_train would never be called under adaptation...
    """
    if getattr(model, 'own_ways', ()):
        raise UserError(
            f'{" and ".join(model.own_ways)} would never be called under adaptation, which trains '
            "on embeddings too: override the network's extract_feat or losses, or the head's "
            'embed, forward, cls_seg or losses'
        )


class PseudoLabelSettings(NamedTuple):
    """How class probabilities become pseudo labels; see `pseudo_labels`."""

    threshold: float
    ignore_top: int
    ignore_bottom: int
    temperature: float = 1.0


def checked_pseudo_labels(
    threshold: float, ignore_top: int, ignore_bottom: int, temperature: float
) -> PseudoLabelSettings:
    """Return the settings of the pseudo labels, unless they are out of range.

    >>> checked_pseudo_labels(0.968, ignore_top=15, ignore_bottom=120, temperature=1.0)
    PseudoLabelSettings(threshold=0.968, ignore_top=15, ignore_bottom=120, temperature=1.0)
    """
    hint = f'; did you mean {threshold / 100:.6g}?' if 1 < threshold <= 100 else ''
    expected = 'a probability in [0, 1]'
    expect(0 <= threshold <= 1, 'pseudo_threshold', expected, threshold, hint)
    for name, rows in (('top', ignore_top), ('bottom', ignore_bottom)):
        expect(rows >= 0, f'pseudo_weight_ignore_{name}', 'a number of rows from 0', rows)
    fits = 0 < temperature < math.inf
    expect(fits, 'pseudo_temperature', 'a finite number above 0', temperature)
    return PseudoLabelSettings(threshold, ignore_top, ignore_bottom, temperature)


def block_settings(mask_generator: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what `uda.mask_generator` sets of the masks; 'block' is the only kind.

    >>> block_settings({'type': 'block', 'mask_ratio': 0.7, 'mask_block_size': 64})
    {'mask_ratio': 0.7, 'mask_block_size': 64}
    """
    settings = dict(mask_generator or {})
    # mmcv leaves its mark in a config where there was nothing to delete.
    settings.pop('_delete_', None)
    kind = settings.pop('type', 'block')
    expect(kind == 'block', 'mask_generator.type', "'block'", kind)
    known = ('mask_ratio', 'mask_block_size')
    unknown = sorted(settings.keys() - {*known})
    expect(not unknown, 'mask_generator', f'the keys {" and ".join(known)} beside type', unknown)
    return settings


def check_feature_distance(
    weight: float, classes: Sequence[int] | None, min_ratio: float | None, num_classes: int
) -> None:
    """Refuse settings of the feature distance that are out of range, unless its weight is 0.

    >>> check_feature_distance(0.005, classes=[6, 30], min_ratio=0.75, num_classes=19)
    Traceback (most recent call last):
    mmseg.utils.errors.UserError: uda.imnet_feature_dist_classes: expected train ids from 0 to 18...
    """
    expect(0 <= weight < float('inf'), 'imnet_feature_dist_lambda', 'a number from 0', weight)
    if weight == 0:
        return
    hint = '; list the things among your classes, or set uda.imnet_feature_dist_lambda=0'
    fit = classes is None or (len(classes) > 0 and all(0 <= c < num_classes for c in classes))
    expected = f'train ids from 0 to {num_classes - 1}, or None for all'
    expect(fit, 'imnet_feature_dist_classes', expected, classes, hint)
    name, expected = 'imnet_feature_dist_scale_min_ratio', 'a share in (0, 1]'
    expect(min_ratio is None or 0 < min_ratio <= 1, name, expected, min_ratio)


def check_has_target(batch: Mapping[str, Any]) -> None:
    """Refuse a batch of one domain.

    >>> check_has_target({'img': torch.zeros(1, 3, 4, 4)})
    Traceback (most recent call last):
    mmseg.utils.errors.UserError: uda needs pairs of source and target images...
    """
    if 'target_img' not in batch:
        raise UserError(
            'uda needs pairs of source and target images: set data.train to a UDADataset, or leave '
            'uda out to train on the source alone'
        )


def check_pair(img: torch.Tensor, target_img: torch.Tensor) -> None:
    """Refuse source images (B, K, H, W) that could not be pasted onto the target images.

    >>> check_pair(torch.zeros(2, 3, 512, 512), torch.zeros(2, 3, 512, 256))
    Traceback (most recent call last):
    mmseg.utils.errors.UserError: source images are 3×512×512 and target images 3×512×256...
    """
    sizes = ['×'.join(map(str, maps.shape[1:])) for maps in (img, target_img)]
    if sizes[0] != sizes[1]:
        raise UserError(
            f'source images are {sizes[0]} and target images {sizes[1]} (bands×height×width): '
            'objects are pasted from one onto the other, so that both pipelines need the same '
            "crop_size, and Pad's size"
        )
