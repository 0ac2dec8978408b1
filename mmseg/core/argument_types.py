"""Whether the values in a config are of the types that a constructor is annotated with."""

import contextlib
import inspect
import os
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

# What may stand for a value of a plain type.
_ACCEPTED: dict[Any, tuple[type, ...]] = {
    int: (int, np.integer),
    float: (int, float, np.number),
    bool: (bool, int, np.bool_),
    str: (str, os.PathLike),
    type(None): (type(None),),
}


def wrong_type(factory: Callable[..., Any], arguments: Mapping[str, Any]) -> str | None:
    """Say which argument has a type that its annotation rules out.

    Only plain types and sequences and mappings of them are judged; all else is left to `factory`.

    Args:
        factory: A class or function.
        arguments: Its keywords.

    Returns:
        'name: expected float, got …' for the first such argument, or None.
    """
    hints = _hints(factory)
    for name, value in arguments.items():
        if name in hints and value is not None and not _fits(value, hints[name]):
            return f'{name}: expected {_name_of(hints[name])}, got {value!r}'
    return None


def _hints(factory: Callable[..., Any]) -> dict[str, Any]:
    """Return the annotations of a function's arguments, or of a class's and its bases'."""
    inits: list[Callable[..., Any]] = [factory]
    if inspect.isclass(factory):
        inits = [vars(base)['__init__'] for base in factory.__mro__ if '__init__' in vars(base)]
    hints: dict[str, Any] = {}
    for init in reversed(inits):
        # Annotations of other packages need not name what can be found.
        with contextlib.suppress(NameError, TypeError, AttributeError):
            hints.update(typing.get_type_hints(init))
    return hints


def _fits(value: Any, hint: Any) -> bool:
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if hint in _ACCEPTED:
        return isinstance(value, _ACCEPTED[hint])
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, part) for part in parts)
    if origin is Mapping or origin is dict:
        return isinstance(value, Mapping)
    if origin in (Sequence, list, tuple):
        if not isinstance(value, Sequence | np.ndarray) or isinstance(value, str):
            return False
        kinds = [part for part in parts if part is not Ellipsis]
        return len(kinds) != 1 or all(_fits(item, kinds[0]) for item in value)
    return True


def _name_of(hint: Any) -> str:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        # Before Python 3.11 a default of None adds None to an annotation; it is never refused.
        parts = [part for part in typing.get_args(hint) if part is not type(None)]
        return ' | '.join(map(_name_of, parts))
    return hint.__name__ if isinstance(hint, type) and not typing.get_args(hint) else str(hint)
