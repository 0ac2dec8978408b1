"""Metrics for people: percent and tables."""

import math
from collections.abc import Mapping
from typing import Any

_IOU, _ACC = 'IoU.', 'Acc.'
_MEANS = ('mIoU', 'mAcc', 'aAcc')


def in_percent(metrics: Mapping[str, float] | None) -> dict[str, Any]:
    """Bring the result of `dataset.evaluate` into percent, sorted by kind.

    Args:
        metrics: Fractions in [0, 1] under `mIoU`, `IoU.<class>`, further means, …; or None.

    Returns:
        `mIoU` (None where it is not known), `IoU` (class → percent, None for classes that the
        set does not show) and `extra` (other means over a part of the classes).
    """
    metrics = metrics or {}
    classes = {k.removeprefix(_IOU): v for k, v in metrics.items() if k.startswith(_IOU)}
    extra = {k: v for k, v in metrics.items() if k.startswith('mIoU') and k not in _MEANS}
    return {
        'mIoU': _percent(metrics.get('mIoU')),
        'IoU': {name: _percent(value) for name, value in classes.items()},
        'extra': {name: _percent(value) for name, value in extra.items()},
    }


def metrics_table(metrics: Mapping[str, float]) -> str:
    """Lay out the result of `dataset.evaluate`: a line per class, then the means, in percent."""
    names = [key.removeprefix(_IOU) for key in metrics if key.startswith(_IOU)]
    width = max([len('class'), *map(len, names)])
    rule = '-' * (width + 18)
    lines = [f'{"class":<{width}}  {"IoU":>7}  {"Acc":>7}', rule]
    for name in names:
        iou, accuracy = metrics[_IOU + name], metrics.get(_ACC + name)
        lines.append(f'{name:<{width}}  {_cell(iou)}  {_cell(accuracy)}')
    means = [key for key in metrics if key.startswith('mIoU') or key in _MEANS]
    lines += [rule, *(f'{key:<{width}}  {_cell(metrics[key])}' for key in means)]
    return '\n'.join(lines)


def _percent(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else round(100 * float(value), 2)


def _cell(value: float | None) -> str:
    percent = _percent(value)
    return f'{"-":>7}' if percent is None else f'{percent:7.2f}'
