"""What all steps of a pipeline share: they print as they were configured."""

import contextlib
import inspect
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

from mmseg.utils.errors import UserAssertionError
from mmseg.utils.overrides import RefusesOverrides


class Transform(RefusesOverrides):
    """Base of the steps of a pipeline, which change a sample, a dict, when they are called."""

    _settings: Mapping[str, Any] = {}

    def __new__(cls, *args: Any, **kwargs: Any) -> 'Transform':
        """Note the arguments, for `repr`; wrong ones are left to the constructor to refuse."""
        made = super().__new__(cls)
        if cls.__init__ is not object.__init__:
            with contextlib.suppress(TypeError):
                bound = inspect.signature(cls.__init__).bind(made, *args, **kwargs)
                bound.apply_defaults()
                _, *settings = bound.arguments.items()
                made._settings = dict(settings)
        return made

    def __repr__(self) -> str:
        settings = ', '.join(f'{name}={value!r}' for name, value in self._settings.items())
        return f'{type(self).__name__}({settings})'


def check_range(
    step: Any,
    name: str,
    values: Any,
    low: float = float('-inf'),
    high: float = float('inf'),
    size: int | None = None,
) -> None:
    """Refuse an argument that is no number, or not `size` numbers, from `low` to `high`.

    Args:
        step: The transform.
        name: What the argument is called.
        values: What was given.
        low: Least number that is allowed.
        high: Greatest number that is allowed.
        size: How many numbers are expected; None for one that is not in a list.

    Raises:
        UserError: Names the argument.
    """
    numbers = [values] if size is None else values
    is_list = isinstance(numbers, Sequence) and not isinstance(numbers, str)
    fits = is_list and len(numbers) == (size or 1)
    if not fits or not all(_is_number(number) and low <= number <= high for number in numbers):
        what = 'a number' if size is None else f'{size} numbers'
        within = ''.join(
            f' {word} {bound:g}'
            for word, bound in (('from', low), ('to', high))
            if abs(bound) < float('inf')
        )
        raise UserAssertionError(
            f'{type(step).__name__}: {name}: expected {what}{within}, got {values!r}'
        )


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)
