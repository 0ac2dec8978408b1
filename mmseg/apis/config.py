"""Configs: read, changed by options, and checked for keys that nobody reads."""

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmcv.utils import Config, DictAction

from mmseg.core.building import nearest
from mmseg.utils.errors import UserError, UserFileNotFoundError
from mmseg.utils.links import named

from .config_compat import translate
from .config_types import check_types
from .plugins import import_plugins

# Keys that the training and testing code reads.
_SETTINGS = frozenset(
    {
        'amp',
        'channels_last',
        'checkpoint_config',
        'compile',
        'cudnn_benchmark',
        'custom_hooks',
        'custom_imports',
        'data',
        'deterministic',
        'dist_params',
        'evaluation',
        'load_except',
        'load_from',
        'log_config',
        'log_level',
        'loss_scale',
        'lr_config',
        'lr_may_rise',
        'max_skipped_steps',
        'model',
        'optimizer',
        'optimizer_config',
        'recompute',
        'resume_from',
        'runner',
        'seed',
        'speed',
        'uda',
        'work_dir',
        'workflow',
    }
)
# Names that published configs carry along: they describe a run, or are put together from other
# keys while a config file is read.
_DESCRIPTIONS = frozenset(
    {
        'backbone_norm_cfg',
        'crop_size',
        'data_root',
        'dataset_type',
        'eval_classes',
        'exp',
        'find_unused_parameters',
        'git_rev',
        'gpu_ids',
        'img_norm_cfg',
        'img_scale',
        'n_gpus',
        'name',
        'norm_cfg',
        'use_ddp_wrapper',
    }
)
# Those of them that are put into other keys.
_HELPERS = frozenset(
    {
        'backbone_norm_cfg',
        'crop_size',
        'data_root',
        'dataset_type',
        'eval_classes',
        'img_norm_cfg',
        'img_scale',
        'norm_cfg',
    }
)
_DESCRIPTION_PREFIXES = ('name_', '_')
_DESCRIPTION_SUFFIXES = ('_pipeline',)
_SECTIONS = {
    'custom_imports': {'imports', 'allow_failed_imports'},
    'dist_params': {'backend', 'sync_bn', 'check_interval'},
    'data': {
        'resized_cache',
        'samples_per_gpu',
        'test',
        'test_samples_per_gpu',
        'train',
        'val',
        'workers_per_gpu',
    },
    'evaluation': {'interval', 'metric', 'by_epoch', 'save_best'},
    'log_config': {'interval', 'hooks'},
    'runner': {'type', 'max_iters'},
}
_NEEDED = ('model', 'data')
_NEEDED_TO_TRAIN = (
    'optimizer',
    'runner.max_iters',
    'data.train',
    'data.samples_per_gpu',
    'data.workers_per_gpu',
)
_OWN_CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
_REFERENCE = re.compile(r'\{\{\s*[\w.]+\s*\}\}')


def load_config(
    path: str | Path, options: Sequence[str] = (), plugins: Sequence[str] = ()
) -> Config:
    """Read a config file with its bases, apply `key=value` options, and check its keys.

    Args:
        path: A .py or .json config. A Python config is code and is run, which is said; a JSON
            config runs none, but for the configs of this project that it may be based on and the
            plug-ins that it names, see `import_plugins`.
        options: Changes as `data.samples_per_gpu=1`; lists as `[1,2]`.
        plugins: Modules to import besides those that the config names.

    Returns:
        The config, with all plug-ins in its `custom_imports`.

    Raises:
        UserError: No such file, one that can't be read, a bad option, a key nobody reads, a
            plug-in that can't be imported.
    """
    path = Path(path)
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
        try:
            changes[key] = DictAction._parse_iterable(value)
        except AssertionError as error:
            raise UserError(f'--options {key}: {error}') from error
        _check_is_read(key)
        _open_place(config, key)
    try:
        config.merge_from_dict(changes)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UserError(f'--options {" ".join(options)}: {error}') from error


def _check_is_read(key: str) -> None:
    """Refuse to change a variable that was done with when the file was read."""
    name = key.split('.')[0]
    if name in _HELPERS or name.startswith('_') or name.endswith(_DESCRIPTION_SUFFIXES):
        raise UserError(
            f'--options {key}: {name} only helps to write the config, and nobody reads it '
            'afterwards; change what was made of it, data.train.pipeline.2.crop_size for example'
        )


def check_trainable(config: Config) -> None:
    """Refuse a config that lacks what training needs.

    Raises:
        UserError: Names what is missing.
    """
    missing = []
    for key in _NEEDED_TO_TRAIN:
        place: Any = config._cfg_dict
        for part in key.split('.'):
            place = place.get(part) if isinstance(place, Mapping) else None
        if place is None:
            missing.append(key)
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
    for key in config:
        if not _is_description(key):
            _refuse_unknown(key, _SETTINGS, " (helper variables of a config start with '_')")
    for section, known in _SECTIONS.items():
        settings = config.get(section)
        if settings is None:
            continue
        if not isinstance(settings, Mapping):
            raise UserError(f'config key {section}: expected a dict, got {settings!r}')
        for key in settings:
            _refuse_unknown(key, known, section=section)
    check_types(config._cfg_dict)
    missing = [key for key in _NEEDED if key not in config]
    if missing:
        raise UserError(f'the config lacks {" and ".join(missing)}: it describes no run')


def describes_only(key: str) -> bool:
    """Whether a setting, by its dotted name, is none that is read: a name, a note, a helper."""
    return _is_description(key.split('.')[0])


def refuse_code(path: Path) -> None:
    """Refuse a JSON config whose bases, or their bases, are code other than this project's.

    Raises:
        UserError: Names the base.
    """
    bases = _parse(path.read_text(encoding='utf-8')).get('_base_', [])
    bases = [bases] if isinstance(bases, str) else bases
    if not isinstance(bases, list) or not all(isinstance(base, str) for base in bases):
        raise UserError(f'{path}: _base_: expected a file or a list of files, got {bases!r}')
    for base in bases:
        found = (path.parent / base).resolve()
        if found.is_relative_to(_OWN_CONFIGS):
            continue
        if found.suffix != '.json':
            raise UserError(
                f'{path}: a JSON config runs no code, and its base {base} may hold some; base it '
                f'on JSON or on {_OWN_CONFIGS}, or make it a .py config'
            )
        if found.is_file():
            _check_syntax(found)
            refuse_code(found)


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


def _is_description(key: str) -> bool:
    return (
        key in _DESCRIPTIONS
        or key.startswith(_DESCRIPTION_PREFIXES)
        or key.endswith(_DESCRIPTION_SUFFIXES)
    )


def _refuse_unknown(key: str, known: Iterable[str], more: str = '', section: str = '') -> None:
    if key not in known:
        name = f'{section}.{key}' if section else key
        raise UserError(f'config key {name!r} is read by nobody; {nearest(key, known)}{more}')
