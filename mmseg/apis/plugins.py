"""Plug-ins: packages of one's own that register backbones, heads, data sets, hooks and the like.

They come in by `custom_imports` of a config, by `--plugins` or by being installed with an entry
point of the group `dida.plugins`. Importing a package runs its code: it is always named on the
screen, and it must be found on Python's path, which no config can change. What was imported is
written into the config's `custom_imports`, and so into the work dir's config.json: who tests,
resumes or looks at the run gets the same packages.
"""

import argparse
import importlib
import importlib.util
import json
import os
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, NamedTuple

import mmcv.cnn
import mmcv.runner
from mmcv.utils import Config, Registry

from mmseg.core import pixel_sampling
from mmseg.core.settings import PluginSettings
from mmseg.datasets import builder as dataset_builder
from mmseg.models import builder as model_builder
from mmseg.utils.errors import UserError

GROUP = 'dida.plugins'
_OWN_PACKAGES = frozenset({'mmseg', 'mmcv', 'torch', 'builtins', '__main__'})
_REGISTRIES = [
    value
    for module in (mmcv.cnn, mmcv.runner, pixel_sampling, dataset_builder, model_builder)
    for value in vars(module).values()
    if isinstance(value, Registry)
]


class Plugin(NamedTuple):
    """A module to import.

    Attributes:
        module: Its dotted name.
        asked_by: What names it, for messages.
        is_needed: Whether to stop where it can't be imported, or only to say so.
        is_named_by_file: Whether a file names it, which may come from elsewhere.
    """

    module: str
    asked_by: str
    is_needed: bool = True
    is_named_by_file: bool = False


def add_plugins_option(parser: argparse.ArgumentParser) -> None:
    """Add `--plugins` to a command line that reads a config."""
    parser.add_argument(
        '--plugins',
        action='extend',
        type=lambda text: [name for name in text.split(',') if name],
        default=[],
        metavar='PACKAGE',
        help='packages whose import registers backbones, data sets, …; repeatable, or a,b',
    )


def import_plugins(cfg: Config, named: Sequence[str] = (), recorded: Sequence[str] = ()) -> None:
    """Import what a config is to be read with, and note it in the config's `custom_imports`.

    Args:
        cfg: The config; its `custom_imports` are imported, as are those that are `named` and the
            packages that are installed with an entry point.
        named: Further modules, from the command line.
        recorded: Further modules, from the run that is resumed.

    Raises:
        UserError: One can't be imported; says which, who asked for it and what to do.
    """
    is_needed = not PluginSettings.of(cfg).allow_failed_imports
    file = f'custom_imports of {Path(cfg.filename or "the config").name}'
    asked = [
        *_installed(),
        *(Plugin(name, '--plugins') for name in named),
        *(Plugin(name, file, is_needed, True) for name in modules_to_import(cfg)),
        *(Plugin(name, 'the run that is resumed', True, True) for name in recorded),
    ]
    imported = [plugin.module for plugin in asked if _import(plugin)]
    lost = [plugin.module for plugin in asked if plugin.module not in imported]
    known = dict.fromkeys([*imported, *lost])
    known |= dict.fromkeys(m for m in _modules_of_types(cfg._cfg_dict) if not _holds(known, m))
    if known:
        cfg.custom_imports = {'imports': list(known), 'allow_failed_imports': not is_needed}


def modules_to_import(cfg: Mapping[str, Any]) -> list[str]:
    """Return the modules that the `custom_imports` of a config name."""
    names = PluginSettings.of(cfg).imports
    return [names] if isinstance(names, str) else list(names)


def recorded_plugins(config_file: str | Path) -> list[str]:
    """Return the modules that a run's config.json names; none where it can't be read."""
    try:
        return modules_to_import(json.loads(Path(config_file).read_text(encoding='utf-8')))
    except (OSError, ValueError, AttributeError):
        return []


def check_consent(cfg: Mapping[str, Any], named: Sequence[str], file: str | Path) -> None:
    """Refuse what a file that nobody reads before it is used, a checkpoint, wants imported.

    Args:
        cfg: The config that the file holds.
        named: The modules that the user has named; those of installed packages are allowed too.
        file: The file.

    Raises:
        UserError: It names a module that the user does not.
    """
    allowed = [*named, *(plugin.module for plugin in _installed())]
    asked = [m for m in modules_to_import(cfg) if m not in sys.modules and not _holds(allowed, m)]
    if asked:
        raise UserError(
            f'{file} asks for the import of {", ".join(asked)}, which runs code: give --plugins '
            f'{",".join(asked)} if that is what you want'
        )


def _installed() -> Iterator[Plugin]:
    """Yield the modules that installed packages announce."""
    for entry in entry_points(group=GROUP):
        name = f'the installed package {entry.dist.name}' if entry.dist else 'an installed package'
        yield Plugin(entry.module, f'{name} (entry point {entry.name!r} of {GROUP})')


def _import(plugin: Plugin) -> bool:
    """Import a module, and say so before its code runs; return whether that went well."""
    if plugin.module in sys.modules:
        return True
    top = plugin.module.partition('.')[0]
    found = importlib.util.find_spec(top) if top else None
    # Python takes mere folders on its path for packages, `work_dirs` in a checkout for example:
    # a run from elsewhere would bring code along in its work dir.
    if plugin.is_named_by_file and found is not None and found.origin is None:
        raise UserError(
            f'{plugin.asked_by} names {plugin.module}, which lies in a folder that is no package '
            f'(no __init__.py): if its code is to be run, give --plugins {plugin.module}'
        )
    if found is not None and os.environ.get('RANK', '0') == '0':
        _say(f'plug-in {plugin.module} is imported for {plugin.asked_by}: its code is run')
    try:
        importlib.import_module(plugin.module)
    except (Exception, SystemExit) as error:  # the code of others may do anything
        message = f'plug-in {plugin.module}, for {plugin.asked_by}, {_problem(plugin, error)}'
        if plugin.is_needed:
            raise UserError(message) from error
        _say(f'{message}; allow_failed_imports is set, so it is done without')
        return False
    return True


def _problem(plugin: Plugin, error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError) and _holds([error.name or ''], plugin.module):
        return (
            f"cannot be imported: there is no {error.name} on Python's path; put the folder that "
            'holds it there (PYTHONPATH=FOLDER python ...), or install it (pip install -e FOLDER)'
        )
    place = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f'fails when it is imported: {type(error).__name__}: {error} '
        f'({place.filename}, line {place.lineno})'
    )


def _say(line: str) -> None:
    print(line, file=sys.stderr)


def _holds(modules: Iterable[str], module: str) -> bool:
    """Whether a module, or a package that it is in, is among `modules`."""
    return any(module == name or module.startswith(f'{name}.') for name in modules)


def _modules_of_types(settings: Any) -> Iterator[str]:
    """Yield the modules of others that registered what a config builds.

    They were imported by a Python config or by a program: without them nobody else could build it.
    """
    if isinstance(settings, Mapping):
        kind = settings.get('type')
        for registry in _REGISTRIES if isinstance(kind, str) else ():
            module = getattr(registry.module_dict.get(kind), '__module__', None) or 'builtins'
            if module.split('.')[0] not in _OWN_PACKAGES and _can_be_found(module):
                yield module
        settings = settings.values()
    if isinstance(settings, Iterable) and not isinstance(settings, str):
        for value in settings:
            yield from _modules_of_types(value)


def _can_be_found(module: str) -> bool:
    """Whether a module can be imported by name again: what a config file defines itself can't."""
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False
