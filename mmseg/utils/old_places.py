"""Modules and names that stand elsewhere here than in mmsegmentation 0.16 and DAFormer.

A package's `compat` module says what stood where; imports of it go on working.
"""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any


def serve(
    package: str, names: Mapping[str, str], places: Mapping[str, Mapping[str, str]]
) -> Callable[[str], Any]:
    """Let a package serve names and modules that it had.

    Args:
        package: The package.
        names: Name in the package → `module:name` below it where it stands.
        places: Module below the package → the same for names in it. One that there is gets the
            names beside its own.

    Returns:
        The package's `__getattr__`.
    """
    for place, homes in places.items():
        full_name = f'{package}.{place}'
        module = sys.modules.get(full_name)
        if module is None:
            module = ModuleType(full_name, f'What stood in {full_name}; see {package}.compat.')
            module.__path__ = []  # further modules may stand below it
            module.__all__ = sorted(homes)  # type: ignore[attr-defined]
            sys.modules[full_name] = module
            above, _, own = full_name.rpartition('.')
            beside = names if above == package else places.get(place.rpartition('.')[0], {})
            if own not in beside:  # a function may be called like its module
                setattr(sys.modules[above], own, module)
        module.__getattr__ = _lookup(full_name, package, homes)  # type: ignore[method-assign]
    return _lookup(package, package, names)


def _lookup(asked: str, package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    def look_up(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f'module {asked!r} has no attribute {name!r}')
        home, _, own_name = homes[name].partition(':')
        if not own_name:  # no place, but what to do
            raise ImportError(f'{asked}.{name} is not served: {home}')
        return getattr(import_module(f'{package}.{home}'), own_name)

    return look_up
