"""The one exception that tools turn into a one-line message, and how it names what is meant."""

import difflib
from collections.abc import Iterable


class UserError(ValueError):
    """A mistake the user can mend: what was expected, what came, what to do.

    Its children are also of the kinds that mmsegmentation and mmcv raise in the same place, so that
    code which catches those goes on working.
    """

    def __str__(self) -> str:
        return Exception.__str__(self)  # a KeyError would put it in quotes


class UserAssertionError(UserError, AssertionError):
    """A value out of its range, or values that contradict each other."""


class UserKeyError(UserError, KeyError):
    """A name that stands for nothing."""


class UserTypeError(UserError, TypeError):
    """A value of another type, or arguments that a class or function does not have."""


class UserFileNotFoundError(UserError, FileNotFoundError):
    """A file or folder that is not there."""


def nearest(name: str, options: Iterable[str], num: int = 3) -> str:
    """Phrase the options that look most like `name`, or all of them where none does."""
    options = sorted(options)
    close = difflib.get_close_matches(name, options, n=num, cutoff=0.5)
    if close:
        return f'did you mean {" or ".join(map(repr, close))}?'
    return f'available: {", ".join(options) or "nothing"}'
