"""What kinds of values settings take: how each is called in errors and documents, and its check."""

import logging
import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Kind(NamedTuple):
    """A kind of value.

    Attributes:
        name: As in 'expected a whole number above 0'.
        fits: Whether a value is one. None is never asked about: it leaves a setting unset.
    """

    name: str
    fits: Callable[[Any], bool]


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_list_of_dicts(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, Mapping) for item in value)


def _is_level(value: Any) -> bool:
    # By a name that it knows `logging` gives a number.
    return _is_whole(logging.getLevelName(value) if isinstance(value, str) else value)


def one_of(*choices: str) -> Kind:
    """Return the kind of a value that is one of some texts."""
    return Kind(' or '.join(map(repr, choices)), lambda value: value in choices)


WHOLE = Kind('a whole number', _is_whole)
COUNT = Kind('a whole number above 0', lambda value: _is_whole(value) and value >= 1)
FROM_ZERO = Kind('a whole number from 0', lambda value: _is_whole(value) and value >= 0)
FLAG = Kind('True or False', lambda value: isinstance(value, bool))
FLAG_OR_RATE = Kind('True, False or a learning rate', lambda value: isinstance(value, bool | float))
TEXT = Kind('a text', lambda value: isinstance(value, str | os.PathLike))
TEXTS = Kind('a text or a list of them', lambda value: isinstance(value, str | list | tuple))
DICT = Kind('a dict', lambda value: isinstance(value, Mapping))
DICTS = Kind('a list of dicts', _is_list_of_dicts)
DICT_OR_DICTS = Kind(
    'a dict or a list of dicts', lambda value: DICT.fits(value) or _is_list_of_dicts(value)
)
LEVEL = Kind("a level of logging, 'INFO' or 20 for example", _is_level)
