"""Whether all parts of a run mean the same classes.

A network learns numbers; what a number is called stands in the data sets and in checkpoints. Where
those differ, training and scores come out wrong without a word.
"""

from collections.abc import Mapping, Sequence

from mmseg.utils.errors import UserError

# Class names in the order of the labels, their number where the names are not known, or None.
Classes = Sequence[str] | int | None
_MAX_NAMED = 6


def check_same_classes(sides: Mapping[str, Classes]) -> None:
    """Compare the classes of all sides with those of the first one that knows them.

    Args:
        sides: Who has them, as the message is to call it ('the data set data.val') → class names
            in the order of the labels ('0', '1', … are none), their number alone, or None for one
            that does not know.

    Raises:
        UserError: Two sides differ in number, names or order; the message is `class_difference`.

    >>> check_same_classes({'the head': 2, 'the data set': ['road', 'car'], 'the checkpoint': None})
    """
    difference = class_difference(sides)
    if difference is not None:
        raise UserError(difference)


def class_difference(sides: Mapping[str, Classes]) -> str | None:
    """Say in one line how the classes of two sides differ; None where all agree.

    Args:
        sides: See `check_same_classes`.

    >>> class_difference({'the head': 3, 'the data set': ['road', 'car']})[:52]
    'classes differ: the head has 3, the data set has 2 ('
    """
    # Names that are numbers say no more than how many there are.
    known = {
        side: len(classes) if not isinstance(classes, int) and are_numbers(classes) else classes
        for side, classes in sides.items()
        if classes is not None
    }
    pairs = [(a, b) for index, a in enumerate(known) for b in list(known)[index + 1 :]]
    for first, second in pairs:
        difference = _difference(first, known[first], second, known[second])
        if difference is not None:
            return (
                f'classes differ: {difference}; give both the same classes in the same order '
                '(num_classes of every head, classes of every data set, and a checkpoint that '
                'was trained on them)'
            )
    return None


def are_numbers(classes: Sequence[str]) -> bool:
    """Tell whether classes are called '0', '1', … for want of names.

    >>> are_numbers(['0', '1', '2']), are_numbers(['road', 'car'])
    (True, False)
    """
    return list(map(str, classes)) == list(map(str, range(len(classes))))


def _difference(
    first: str, ours: Sequence[str] | int, second: str, theirs: Sequence[str] | int
) -> str | None:
    if _count(ours) != _count(theirs):
        return f'{first} has {_described(ours)}, {second} has {_described(theirs)}'
    if isinstance(ours, int) or isinstance(theirs, int):
        return None
    ours, theirs = list(map(str, ours)), list(map(str, theirs))
    pairs = enumerate(zip(ours, theirs, strict=True))
    unlike = [(index, pair) for index, pair in pairs if pair[0] != pair[1]]
    if not unlike:
        return None
    index, (our, their) = unlike[0]
    order = ' (the same names in another order)' * (sorted(ours) == sorted(theirs))
    more = f', and {len(unlike) - 1} more' * (len(unlike) > 1)
    return f'class {index} is {our!r} in {first} and {their!r} in {second}{more}{order}'


def _count(classes: Sequence[str] | int) -> int:
    return classes if isinstance(classes, int) else len(classes)


def _described(classes: Sequence[str] | int) -> str:
    if isinstance(classes, int):
        return str(classes)
    named = ', '.join(map(str, classes[:_MAX_NAMED]))
    return f'{len(classes)} ({named}{", …" * (len(classes) > _MAX_NAMED)})'
