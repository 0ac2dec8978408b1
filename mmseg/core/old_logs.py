"""JSON logs of mmsegmentation 0.x and DAFormer, translated into the form of ours.

Theirs evaluate one network, whose metrics stand in the record itself; the record's `iter` is the
length of the validation set, and old versions wrote per cent.
"""

from collections.abc import Iterable
from typing import Any

Record = dict[str, Any]

_MEANS = ('aAcc', 'mIoU', 'mAcc', 'mDice', 'mFscore', 'mPrecision', 'mRecall')
_CLASS_VALUES = ('IoU.', 'Acc.', 'Dice.', 'Fscore.', 'Precision.', 'Recall.')
_OURS = ('student', 'teacher')


def translated(records: Iterable[Record]) -> list[Record]:
    """Bring the records of a run's logs into our form; records in it stay as they are.

    An evaluation is the student's, of the iteration that training had logged last, and its values
    are fractions in [0, 1].

    Args:
        records: All records of a run, in order.

    >>> old = [{'mode': 'train', 'iter': 200}, {'mode': 'val', 'iter': 5, 'aAcc': 90.0}]
    >>> translated(old)[1]
    {'mode': 'val', 'iter': 200, 'student': {'aAcc': 0.9}}
    """
    records = list(records)
    values = [value for record in records for value in _metrics(record).values()]
    are_percent = any(isinstance(value, int | float) and value > 1 for value in values)
    done: Any = None
    result = []
    for record in records:
        if record.get('mode') == 'train':
            done = record.get('iter', done)
        metrics = _metrics(record)
        if metrics:
            scaled = {
                name: round(value * 0.01, 10)
                if are_percent and isinstance(value, int | float)
                else value
                for name, value in metrics.items()
            }
            iteration = record.get('iter') if done is None else done
            record = {'mode': 'val', 'iter': iteration, 'student': scaled}
        result.append(record)
    return result


def _metrics(record: Record) -> Record:
    """Return what an old record says of a network; nothing for any other record."""
    if record.get('mode') != 'val' or any(network in record for network in _OURS):
        return {}
    return {k: v for k, v in record.items() if k in _MEANS or k.startswith(_CLASS_VALUES)}
