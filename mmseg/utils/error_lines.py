"""An error that nobody foresaw, in one line: what it says and where it was raised."""

import os
import sysconfig
import traceback
from collections.abc import Iterator

_LIBRARIES = tuple({sysconfig.get_path(name) + os.sep for name in ('stdlib', 'purelib', 'platlib')})
_MAX_CHARACTERS = 400


def error_line(error: BaseException) -> str:
    """Return an error's name, text and place.

    The place is the innermost line outside installed libraries: that of one's own transform, not
    NumPy's, that it was called from.

    >>> error_line(ValueError('three channels\\n expected'))
    'ValueError: three channels expected'
    """
    text = ' '.join(str(error).split())
    if len(text) > _MAX_CHARACTERS:
        text = text[:_MAX_CHARACTERS] + ' …'
    said = f'{type(error).__name__}: {text}' if text else type(error).__name__
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith(_LIBRARIES)]
    if not frames:
        return said
    frame = (own or frames)[-1]
    file = frame.filename.removeprefix(os.getcwd() + os.sep)
    return f'{said} ({file}, line {frame.lineno}, in {frame.name})'


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error, then what it was raised from or while handling, back to the first."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
