"""Telling of one key of a config what it is, its default, its value, and where that comes from."""

import ast
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmcv.runner.optimizer.builder import OPTIMIZERS
from mmcv.utils import Config

from mmseg.core.arguments import arguments_of, as_text, first_line
from mmseg.core.settings import ALL_SETTINGS
from mmseg.core.settings.descriptions import DESCRIPTIONS
from mmseg.models.uda.instance_level import InstanceLevel
from mmseg.utils.errors import UserError, nearest

from .config_reference import REGISTRIES, default_text, help_text

_MISSING = object()
# What dicts are built into that need no `type`.
_UNTYPED = {'uda.instance': InstanceLevel}
_TYPES = {
    'checkpoint_config': 'CheckpointHook',
    'optimizer_config': 'OptimizerHook',
    'data.train.rare_class_sampling': 'RareClassDataset',
}


def explain(config: Config, key: str, path: str | Path, options: Sequence[str] = ()) -> str:
    """Explain a key.

    Args:
        config: From `load_config(path, options)`.
        key: Dotted name, such as `uda.instance.momentum`; parts of lists go by their numbers.
        path: The config's file.
        options: What the command line changed.

    Returns:
        Lines that say what it is, its type, its default, its value here and what set that.

    Raises:
        UserError: Nobody reads such a key.
    """
    lines = list(_meaning(config._cfg_dict, key))
    value = value_at(config._cfg_dict, key)
    if value is _MISSING:
        return '\n'.join([*lines, 'here: left out, so that the default holds'])
    origin = next((f'--options {o}' for o in options if _touches(o, key)), None)
    origin = origin or file_that_sets(path, key) or 'put together when the config was read'
    return '\n'.join([*lines, f'here: {as_text(value)}', f'set by: {origin}'])


def value_at(config: Any, key: str) -> Any:
    """Return what a config holds at a dotted name, `_MISSING` where it holds nothing."""
    for part in key.split('.'):
        if isinstance(config, Mapping) and part in config:
            config = config[part]
        elif isinstance(config, list | tuple) and part.isdigit() and int(part) < len(config):
            config = config[int(part)]
        else:
            return _MISSING
    return config


def file_that_sets(path: str | Path, key: str) -> str | None:
    """Name the file that gave a key its value: the deepest base from which on it stayed the same.

    Args:
        path: A config that can be read.
        key: Dotted name.

    Returns:
        The file; None where neither it nor its bases hold the key.
    """
    path = Path(path)
    value = value_at(Config.fromfile(str(path), import_custom_modules=False)._cfg_dict, key)
    if value is _MISSING:
        return None
    for base in _bases(path):
        config = Config.fromfile(str(base), import_custom_modules=False)
        if value_at(config._cfg_dict, key) == value:
            return file_that_sets(base, key)
    return os.path.relpath(path) if path.resolve().is_relative_to(Path.cwd()) else str(path)


def _bases(path: Path) -> list[Path]:
    """Return the files that a config is based on, where it names them plainly."""
    text = path.read_text(encoding='utf-8')
    names: Any = []
    if path.suffix == '.json':
        names = json.loads(text).get('_base_', [])
    else:
        for node in ast.parse(text).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == '_base_':
                names = ast.literal_eval(node.value)
    names = [names] if isinstance(names, str) else names
    return [(path.parent / name).resolve() for name in names]


def _touches(option: str, key: str) -> bool:
    changed = option.partition('=')[0]
    return changed == key or key.startswith(f'{changed}.') or changed.startswith(f'{key}.')


def _meaning(config: Any, key: str) -> Iterator[str]:
    """Yield what a key is, its type and its default."""
    for settings in ALL_SETTINGS:
        if key == settings.SECTION:
            yield f'{key}: {first_line(settings)}'
            return
        for name, meaning in settings.meanings().items():
            if key == settings.key(name):
                yield f'{key}: {help_text(meaning)}'
                yield f'type: {meaning.kind.name}'
                yield f'default: {default_text(settings, name).strip("`")}'
                return
    if key in DESCRIPTIONS:
        yield f'{key}: {DESCRIPTIONS[key]} It describes the run, or helps to write other keys.'
        return
    place, _, name = key.rpartition('.')
    factory = _built_from(config, place)
    arguments = {} if factory is None else arguments_of(factory)
    if factory is not None and name in arguments:
        argument = arguments[name]
        yield f'{key}: {argument.help or "a setting"} ({factory.__name__})'
        yield f'type: {argument.kind or "not said"}'
        yield f'default: {"none, it is needed" if argument.default is None else argument.default}'
    elif factory is not None and name == 'type':
        yield f'{key}: {factory.__name__}. {first_line(factory)}'
    elif value_at(config, key) is not _MISSING and place:
        whole = next(_meaning(config, place))
        yield f'{key}: part of {whole}'
    else:
        known = [*arguments] or [s.key(n) for s in ALL_SETTINGS for n in s.meanings()]
        raise UserError(f'--explain {key}: read by nobody; {nearest(name, known)}')


def _built_from(config: Any, place: str) -> Callable[..., Any] | None:
    """Return what the dict at a dotted name is built into, if anything."""
    if place in _UNTYPED:
        return _UNTYPED[place]
    settings = value_at(config, place)
    settings = settings if isinstance(settings, Mapping) else {}
    kind = settings.get('type', _TYPES.get(place))
    if place == 'lr_config' and 'policy' in settings:
        policy = str(settings['policy'])
        kind = f'{policy[:1].upper()}{policy[1:]}LrUpdaterHook'
    found = (registry.get(kind) for registry in (*REGISTRIES.values(), OPTIMIZERS))
    return None if not isinstance(kind, str) else next(filter(None, found), None)
