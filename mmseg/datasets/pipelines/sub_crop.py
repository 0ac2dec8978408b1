"""Crops of samples that their pipelines have finished."""

from collections.abc import Mapping
from typing import Any

from mmcv.parallel import DataContainer

from mmseg.ops.boxes import Box

from .compact import LEFT_TO_DO


def sub_crop(sample: Mapping[str, Any], box: Box) -> dict[str, Any]:
    """Cut a box out of all images, labels and masks of a sample.

    Args:
        sample: Containers of maps (channels, H, W), and of metas.
        box: Within H×W.

    Returns:
        The same with maps of the box's size.
    """
    return {
        key: _metas_of(value, box) if key.endswith('img_metas') else _map_of(value, box)
        for key, value in sample.items()
    }


def _map_of(maps: DataContainer, box: Box) -> DataContainer:
    part = box.of(maps.data).contiguous()
    return DataContainer(part, stack=maps.stack, padding_value=maps.padding_value)


def _metas_of(metas: DataContainer, box: Box) -> DataContainer:
    """Return the metas of a box, in which images may end before their padding."""
    found = dict(metas.data)
    for key in ('img_shape', 'pad_shape'):
        if key in found:
            found[key] = (*_seen(found[key], box), *found[key][2:])
    if LEFT_TO_DO in found:
        left = found[LEFT_TO_DO]
        found[LEFT_TO_DO] = {**left, 'size': _seen(left['size'], box)}
    return DataContainer(found, cpu_only=metas.cpu_only)


def _seen(size: Any, box: Box) -> tuple[int, int]:
    """Return how much of an image of H×W the box shows."""
    height, width = (
        max(min(side, end) - start, 0)
        for side, start, end in ((size[0], box.y1, box.y2), (size[1], box.x1, box.x2))
    )
    return height, width
