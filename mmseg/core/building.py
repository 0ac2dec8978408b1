"""From a config to an object, with errors that a person can act on."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from mmcv.utils import Registry

from mmseg.utils.errors import UserError, UserKeyError, UserTypeError, nearest

from .argument_types import wrong_type

_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def build_from_cfg(
    cfg: Mapping[str, Any], registry: Registry, default_args: Mapping[str, Any] | None = None
) -> Any:
    """Build what `cfg['type']` names from `registry`, the other keys being its arguments.

    It takes the place of `mmcv.utils.build_from_cfg` (pass it as `build_func` of a registry):
    same arguments and results, but mistakes in a config are told apart from faults in the code.

    Args:
        cfg: Settings; `type` is a registered name, a class or a function.
        registry: Where names are looked up.
        default_args: Arguments used where `cfg` is silent.

    Returns:
        The object.

    Raises:
        UserError: `type` is missing or unknown, or an argument is unknown or missing.
    """
    if not isinstance(cfg, Mapping):
        raise UserTypeError(
            f'{registry.name}: expected a dict with a "type", got {type(cfg).__name__}: {cfg!r}'
        )
    arguments = {**(default_args or {}), **cfg}
    kind = arguments.pop('type', None)
    if kind is None:
        raise UserKeyError(f'{registry.name}: the config lacks "type"; its keys are {sorted(cfg)}')
    factory = registry.get(kind) if isinstance(kind, str) else kind
    if not callable(factory):
        hint = nearest(str(kind), registry.module_dict)
        raise UserKeyError(
            f'there is no {registry.name} {kind!r}; {hint}; one of your own comes by --plugins'
        )
    return call_checked(factory, arguments)


def call_checked(factory: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    """Call `factory` by keywords, turning unknown, missing and mistyped ones into a `UserError`."""
    name = getattr(factory, '__name__', repr(factory))
    known = accepted_keywords(factory)
    unknown = [] if known is None else sorted(set(arguments) - known)
    if unknown:
        hint = nearest(unknown[0], known or ())
        raise UserTypeError(f'{name} has no setting {", ".join(map(repr, unknown))}; {hint}')
    problem = wrong_type(factory, arguments)
    if problem is not None:
        raise UserTypeError(f'{name}: {problem}')
    try:
        return factory(**arguments)
    except TypeError as error:
        callee, _, what = str(error).partition(' missing ')
        if what and callee in _own_callables(factory):
            raise UserTypeError(f'{name} lacks settings: it is missing {what}') from error
        raise


def check_contract(part: Any, contract: type) -> None:
    """Refuse a part that lacks what a contract, a `Protocol`, asks of it.

    Raises:
        UserError: Names what it lacks, and where that is described.
    """
    asked = {name for base in contract.__mro__ for name in (*vars(base), *_annotated(base))}
    lacking = [n for n in sorted(asked) if not n.startswith('_') and not hasattr(part, n)]
    if lacking:
        raise UserError(
            f'{type(part).__name__} lacks {", ".join(lacking)}: what is asked of it says '
            f'{contract.__name__} in {contract.__module__}'
        )


def accepted_keywords(factory: Callable[..., Any]) -> set[str] | None:
    """Name the keywords that `factory` takes, following `**kwargs` up to its base classes.

    Args:
        factory: A class or a function.

    Returns:
        The names, or None where any keyword is taken: by a function, or a class that says so as
        `takes_any_setting`.
    """
    if getattr(factory, 'takes_any_setting', False):
        return None
    inits: list[Callable[..., Any]] = [factory]
    if inspect.isclass(factory):
        inits = [vars(base)['__init__'] for base in factory.__mro__ if '__init__' in vars(base)]
    names: set[str] = set()
    for init in inits:
        if init is object.__init__:
            return names
        parameters = inspect.signature(init).parameters.values()
        names |= {p.name for p in parameters if p.kind in _NAMED and p.name != 'self'}
        if all(p.kind is not inspect.Parameter.VAR_KEYWORD for p in parameters):
            return names
    return None


def _annotated(base: type) -> Mapping[str, Any]:
    return vars(base).get('__annotations__', {})


def _own_callables(factory: Callable[..., Any]) -> set[str]:
    """How Python names `factory`, or its constructors, where an argument is missing."""
    if inspect.isclass(factory):
        return {f'{base.__qualname__}.__init__()' for base in factory.__mro__}
    return {f'{getattr(factory, "__qualname__", "")}()'}
