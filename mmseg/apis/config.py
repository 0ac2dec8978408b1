"""Configs: read, changed by options, and checked for keys that nobody reads."""

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmcv.utils import Config, DictAction

from mmseg.core.settings import check_settings, missing_to_train, only_helps_to_write
from mmseg.utils.errors import UserError, UserFileNotFoundError
from mmseg.utils.links import named
from mmseg.utils.places import CONFIGS, named_file

from .config_compat import translate
from .plugins import import_plugins

_NEEDED = ('model', 'data')
_REFERENCE = re.compile(r'\{\{\s*[\w.]+\s*\}\}')


def load_config(
    path: str | Path, options: Sequence[str] = (), plugins: Sequence[str] = ()
) -> Config:
    """Read a config file with its bases, apply `key=value` options, and check its keys.

    Args:
        path: A .py or .json config, found by `named_file`. A Python config is code and is run,
            which is said; a JSON config runs none, but for the configs of this project that it may
            be based on and the plug-ins that it names, see `import_plugins`.
        options: Changes as `data.samples_per_gpu=1`; lists as `[1,2]`, settings as JSON:
            `model.backbone={"depth": 50}` is merged into what is there, or takes its place with
            `"_delete_": true`.
        plugins: Modules to import besides those that the config names.

    Returns:
        The config, with all plug-ins in its `custom_imports`.

    Raises:
        UserError: No such file, one that can't be read, a bad option, a key nobody reads, a
            plug-in that can't be imported.
    """
    path = named_file(path)
    if not path.is_file():
        raise UserFileNotFoundError(f'no config file at {named(path)}')
    if path.suffix not in ('.py', '.json'):
        raise UserError(f'{path}: expected a .py or .json config')
    _check_syntax(path)
    if path.suffix == '.py':
        print(f'{path} is a Python config: its code is run; JSON runs none', file=sys.stderr)
    else:
        refuse_code(path)
    try:
        config = Config.fromfile(str(path), import_custom_modules=False)
    except (Exception, SystemExit) as error:  # a Python config may do anything
        raise UserError(f'{path} cannot be read: {type(error).__name__}: {error}') from error
    apply_options(config, options)
    translate(config)
    check_keys(config)
    import_plugins(config, plugins)
    return config


def apply_options(config: Config, options: Sequence[str]) -> None:
    """Change `config` in place by `key.subkey=value` texts."""
    changes = {}
    for option in options:
        key, separator, value = option.partition('=')
        if not separator or not key:
            raise UserError(f'--options: expected key=value, got {option!r}')
        changes[key] = _parse_value(key, value)
        _check_is_read(key)
        _open_place(config, key)
    try:
        config.merge_from_dict(changes)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UserError(f'--options {" ".join(options)}: {error}') from error


def _parse_value(key: str, text: str) -> Any:
    """Read a value as mmcv does; one that holds settings as JSON."""
    if text.lstrip(' [').startswith('{'):
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            raise UserError(
                f'--options {key}: {text!r} is not JSON, {error.msg} at character {error.pos + 1}; '
                'expected the like of {"type": "mit_b0"}, quoted for the shell'
            ) from error
    try:
        return DictAction._parse_iterable(text)
    except AssertionError as error:
        raise UserError(f'--options {key}: {error}') from error


def _check_is_read(key: str) -> None:
    """Refuse to change a variable that was done with when the file was read."""
    name = key.split('.')[0]
    if only_helps_to_write(name):
        raise UserError(
            f'--options {key}: {name} only helps to write the config, and nobody reads it '
            'afterwards; change what was made of it, data.train.pipeline.2.crop_size for example'
        )


def check_trainable(config: Config) -> None:
    """Refuse a config that lacks what training needs.

    Raises:
        UserError: Names what is missing.
    """
    missing = list(missing_to_train(config._cfg_dict))
    if missing:
        raise UserError(f'the config lacks {" and ".join(missing)}, which training needs')


def _open_place(config: Config, key: str) -> None:
    """Let settings be put where the config says None: mmcv merges into dicts alone."""
    *parents, _ = key.split('.')
    place: Any = config._cfg_dict
    for name in parents:
        if not isinstance(place, dict) or name not in place:
            return
        if place[name] is None:
            place[name] = {}
        place = place[name]


def check_keys(config: Config) -> None:
    """Refuse keys that no code reads: they are slips of the pen, or settings of something else.

    Keys of what is built by type (model, datasets, optimizer, …) are checked by what is built.

    Raises:
        UserError: Names the key and the known key nearest to it.
    """
    check_settings(config._cfg_dict)
    missing = [key for key in _NEEDED if key not in config]
    if missing:
        raise UserError(f'the config lacks {" and ".join(missing)}: it describes no run')


def refuse_code(path: Path, based_on_it: Sequence[Path] = ()) -> None:
    """Refuse a JSON config whose bases, or their bases, are code other than this project's.

    Args:
        path: The config.
        based_on_it: Configs that have it among their bases, and among the bases of those.

    Raises:
        UserError: Names the base, or says that a config is its own.
    """
    descendants = [*based_on_it, path.resolve()]
    bases = _parse(path.read_text(encoding='utf-8')).get('_base_', [])
    bases = [bases] if isinstance(bases, str) else bases
    if not isinstance(bases, list) or not all(isinstance(base, str) for base in bases):
        raise UserError(f'{path}: _base_: expected a file or a list of files, got {bases!r}')
    for base in bases:
        found = (path.parent / base).resolve()
        if found.is_relative_to(CONFIGS):
            continue
        if found.suffix != '.json':
            raise UserError(
                f'{path}: a JSON config runs no code, and its base {base} may hold some; base it '
                f'on JSON or on {CONFIGS}, or make it a .py config'
            )
        if found in descendants:
            raise UserError(f'{path}: its base {base} has it as a base itself')
        if found.is_file():
            _check_syntax(found)
            refuse_code(found, descendants)


def _parse(text: str) -> Any:
    """Read JSON in which mmcv's references, which are no JSON, may stand for values."""
    return json.loads(_REFERENCE.sub('0', text))


def _check_syntax(path: Path) -> None:
    """Say where a config is malformed; mmcv would also leave a temporary file behind."""
    try:
        text = path.read_text(encoding='utf-8')
        if path.suffix == '.py':
            compile(text, str(path), 'exec')
        elif not isinstance(_parse(text), dict):
            raise UserError(f'{path} holds no settings: expected a JSON object')
    except SyntaxError as error:
        raise UserError(f'{path}, line {error.lineno}: {error.msg}') from error
    except json.JSONDecodeError as error:
        raise UserError(f'{path}, line {error.lineno}: not JSON, {error.msg}') from error
    except (UnicodeDecodeError, ValueError, OSError) as error:
        raise UserError(f'{path} is not a text file in UTF-8: {error}') from error
    except (RecursionError, MemoryError) as error:
        raise UserError(f'{path} is nested too deeply for a config') from error
