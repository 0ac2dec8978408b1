"""The one exception that tools turn into a one-line message, and how it names what is meant."""

import difflib
from collections.abc import Iterable


class UserError(ValueError):
    """A mistake the user can mend: what was expected, what came, what to do."""


def nearest(name: str, options: Iterable[str], num: int = 3) -> str:
    """Phrase the options that look most like `name`, or all of them where none does."""
    options = sorted(options)
    close = difflib.get_close_matches(name, options, n=num, cutoff=0.5)
    if close:
        return f'did you mean {" or ".join(map(repr, close))}?'
    return f'available: {", ".join(options) or "nothing"}'
