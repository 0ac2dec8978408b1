"""What can be said of the arguments of a class or function: type, default, and what they are."""

import inspect
import re
from collections.abc import Callable
from typing import Any, NamedTuple

_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_ENTRY = re.compile(r' {4}(\w+)(?: \(.*?\))?: *(.*)')
_PLAIN = (bool, int, float, str, type(None))


class Argument(NamedTuple):
    """One argument.

    Attributes:
        kind: Its annotation as text, '' where there is none.
        default: Its default as text, None where it has none.
        help: From the docstring, '' where that is silent.
    """

    kind: str
    default: str | None
    help: str


def arguments_of(factory: Callable[..., Any]) -> dict[str, Argument]:
    """Describe the keywords of a class or function, following `**kwargs` up to its base classes.

    >>> def scale(value: float = 1.0): '''Scale.\\n\\nArgs:\\n    value: By how much.\\n'''
    >>> arguments_of(scale)
    {'value': Argument(kind='float', default='1.0', help='By how much.')}
    """
    places: list[Callable[..., Any]] = [factory]
    if inspect.isclass(factory):
        bases = [base for base in factory.__mro__ if base is not object]
        places = [vars(base)['__init__'] for base in bases if '__init__' in vars(base)]
    helps = _helps(factory)
    found: dict[str, Argument] = {}
    for init in places:
        parameters = inspect.signature(init).parameters
        for name, parameter in parameters.items():
            if parameter.kind in _NAMED and name != 'self' and name not in found:
                found[name] = _described(parameter, helps.get(name, ''))
        if all(p.kind is not inspect.Parameter.VAR_KEYWORD for p in parameters.values()):
            break
    return found


def first_line(factory: Any) -> str:
    """Return the first sentence of a docstring, '' where there is none."""
    return (inspect.getdoc(factory) or '').partition('\n')[0]


def _described(parameter: inspect.Parameter, help: str) -> Argument:
    hint, default = parameter.annotation, parameter.default
    is_class = isinstance(hint, type) and not hasattr(hint, '__args__')
    kind = '' if hint is parameter.empty else hint.__name__ if is_class else str(hint)
    return Argument(
        re.sub(r'\b(?:\w+\.)+(?=\w)', '', kind),
        None if default is parameter.empty else as_text(default),
        help,
    )


def as_text(value: Any) -> str:
    """Return a plain value as it is written in a config, and the name of anything else."""
    if isinstance(value, _PLAIN):
        return repr(value)
    if isinstance(value, list | tuple):
        return f'[{", ".join(map(as_text, value))}]'
    if isinstance(value, dict):
        return '{' + ', '.join(f'{k!r}: {as_text(v)}' for k, v in value.items()) + '}'
    return str(getattr(value, '__name__', type(value).__name__))


def _helps(factory: Any) -> dict[str, str]:
    """Collect what docstrings in Google's style say of arguments, the nearest class's first."""
    classes = factory.__mro__ if inspect.isclass(factory) else (factory,)
    helps: dict[str, str] = {}
    for place in classes:
        for owner in (place, vars(place).get('__init__') if inspect.isclass(place) else None):
            text = getattr(owner, '__doc__', None) if place is not object else None
            for name, help in _entries(inspect.cleandoc(text or '')).items():
                helps.setdefault(name, help)
    return helps


def _entries(doc: str) -> dict[str, str]:
    entries: dict[str, str] = {}
    _, _, rest = doc.partition('Args:\n')
    name = None
    for line in rest.split('\n'):
        entry = _ENTRY.fullmatch(line)
        if entry:
            name = entry[1]
            entries[name] = entry[2]
        elif name is not None and line.startswith(' ' * 6):
            entries[name] = f'{entries[name]} {line.strip()}'.strip()
        elif line.strip():
            break
    return entries
