"""Metrics for people: percent and tables.

Of each kind of metric ('IoU', 'Dice', …) there is a mean ('mIoU') and a value a class ('IoU.road').
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# What can be asked for; each stands for the kinds of values that it brings with it.
SCORES = ('mIoU', 'mDice', 'mFscore')
_KINDS = ('IoU', 'Acc', 'Dice', 'Fscore', 'Precision', 'Recall')
_IOU = 'mIoU'
NOTHING_LABELLED = (
    'not one pixel of these images has a label that counts, all are ignored; see ann_dir, '
    'ignore_index and the values in the label files'
)


def main_score(metrics: Iterable[str]) -> str:
    """Return the mean that speaks for all: the first of `SCORES` among the names of metrics.

    >>> main_score(['aAcc', 'mDice', 'Dice.road'])
    'mDice'
    """
    names = set(metrics)
    return next((score for score in SCORES if score in names), _IOU)


def scores_in_percent(metrics: Mapping[str, Any] | None) -> dict[str, float | None]:
    """Return the `SCORES` that there are, then further means over a part of the classes.

    Args:
        metrics: As for `in_percent`.

    Returns:
        Name → percent, None where it is not known.

    >>> scores_in_percent({'aAcc': 0.9, 'mIoU': 0.5123, 'mIoU_things': 0.25})
    {'mIoU': 51.23, 'mIoU_things': 25.0}
    """
    metrics = metrics or {}
    names = [score for score in SCORES if score in metrics] + list(_extra(metrics))
    return {name: _percent(metrics[name]) for name in names}


def classes_in_percent(metrics: Mapping[str, Any] | None, kind: str) -> dict[str, float | None]:
    """Return a kind of values, such as 'Dice', of each class in percent, None where not known.

    >>> classes_in_percent({'mIoU': 0.9, 'IoU.road': 0.9, 'IoU.train': math.nan}, kind='IoU')
    {'road': 90.0, 'train': None}
    """
    before = f'{kind}.'
    found = (
        (k.removeprefix(before), v) for k, v in (metrics or {}).items() if k.startswith(before)
    )
    return {name: _percent(value) for name, value in found}


def mean_in_percent(metrics: Mapping[str, Any] | None, kind: str) -> float | None:
    """Return the mean of a kind of values, such as 'Dice', in percent, None where not known.

    >>> mean_in_percent({'mIoU': 0.5123}, 'IoU'), mean_in_percent({'mIoU': 0.5123}, 'Dice')
    (51.23, None)
    """
    return _percent((metrics or {}).get(f'm{kind}'))


def in_percent(metrics: Mapping[str, Any] | None) -> dict[str, Any]:
    """Bring the result of `dataset.evaluate` into percent, sorted by kind.

    Args:
        metrics: Fractions in [0, 1] under `mIoU`, `IoU.<class>`, further means, …; or None.

    Returns:
        `mIoU` (None where it is not known), `IoU` (class → percent, None for classes that the
        set does not show) and `extra` (other means over a part of the classes).

    >>> in_percent({'aAcc': 0.9, 'mIoU': 0.5, 'IoU.road': 0.75, 'IoU.car': 0.25})
    {'mIoU': 50.0, 'IoU': {'road': 75.0, 'car': 25.0}, 'extra': {}}
    """
    metrics = metrics or {}
    return {
        _IOU: mean_in_percent(metrics, 'IoU'),
        'IoU': classes_in_percent(metrics, 'IoU'),
        'extra': {name: _percent(metrics[name]) for name in _extra(metrics)},
    }


def result_in_percent(
    student: Mapping[str, Any] | None, teacher: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return what a run came to: `in_percent` of the student, and the teacher's mean.

    Args:
        student: As for `in_percent`.
        teacher: Its metrics; None without one.

    Returns:
        `mIoU`, `mIoU_teacher`, `IoU`, `extra`; of each further kind that was measured the same,
        such as `mDice`, `mDice_teacher` and `Dice`.

    >>> result_in_percent({'mIoU': 0.5, 'IoU.road': 0.5}, {'mIoU': 0.625, 'IoU.road': 0.625})
    {'mIoU': 50.0, 'mIoU_teacher': 62.5, 'IoU': {'road': 50.0}, 'extra': {}}
    """
    whole = in_percent(student)
    result = {_IOU: whole[_IOU], f'{_IOU}_teacher': in_percent(teacher)[_IOU]}
    result |= {'IoU': whole['IoU'], 'extra': whole['extra']}
    for kind in kinds_of(student or {}):
        if kind not in ('IoU', 'Acc'):
            mean = f'm{kind}'
            result[mean] = mean_in_percent(student, kind)
            result[f'{mean}_teacher'] = mean_in_percent(teacher, kind)
            result[kind] = classes_in_percent(student, kind)
    return result


def kinds_of(metrics: Iterable[str]) -> list[str]:
    """Return the kinds of values that stand for each class, in the order of a table.

    >>> kinds_of(['mIoU', 'Acc.road', 'IoU.road'])
    ['IoU', 'Acc']
    """
    found = {name.partition('.')[0] for name in metrics if '.' in name}
    return [kind for kind in _KINDS if kind in found]


def metrics_table(metrics: Mapping[str, Any]) -> str:
    """Lay out the result of `dataset.evaluate`: a line per class, then the means, in percent.

    >>> print(metrics_table({'mIoU': 0.5, 'IoU.road': 0.75, 'IoU.car': 0.25}))
    class      IoU
    --------------
    road     75.00
    car      25.00
    --------------
    mIoU     50.00
    """
    kinds = kinds_of(metrics)
    columns = [classes_in_percent(metrics, kind) for kind in kinds]
    names = list(dict.fromkeys(name for column in columns for name in column))
    means = [
        key
        for key in metrics
        if key == 'aAcc' or key.startswith(_IOU) or (key.startswith('m') and key[1:] in _KINDS)
    ]
    width = max([len('class'), *map(len, names), *map(len, means)])
    widths = [max(7, len(kind)) for kind in kinds]
    rule = '-' * (width + sum(2 + w for w in widths))
    lines = [_row('class', width, kinds, widths), rule]
    for name in names:
        cells = [_cell(column.get(name)) for column in columns]
        lines.append(_row(name, width, cells, widths))
    lines += [rule, *(_row(key, width, [_cell(_percent(metrics[key]))], [7]) for key in means)]
    return '\n'.join(lines)


def _extra(metrics: Mapping[str, Any]) -> list[str]:
    """Return the means over some classes, or over one of joined data sets, such as '0_mIoU'."""
    parts = {key: key.partition('_') for key in metrics}
    return [
        key
        for key, (number, _, name) in parts.items()
        if (key.startswith(_IOU) and key != _IOU) or (number.isdigit() and name in SCORES)
    ]


def _row(name: str, width: int, cells: Sequence[str], widths: Sequence[int]) -> str:
    return '  '.join(
        [f'{name:<{width}}', *(f'{c:>{w}}' for c, w in zip(cells, widths, strict=True))]
    )


def _percent(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else round(100 * float(value), 2)


def _cell(percent: float | None) -> str:
    return '-' if percent is None else f'{percent:.2f}'
