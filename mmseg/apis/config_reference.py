"""What every key of a config is: settings of the code's own, and arguments of what is registered.

It is written into docs/config.md by tools/document_config.py.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from mmcv.runner import HOOKS

from mmseg.core.arguments import arguments_of, as_text, first_line
from mmseg.core.pixel_sampling import PIXEL_SAMPLERS
from mmseg.core.settings import ALL_SETTINGS, Meaning, Settings
from mmseg.core.settings.descriptions import DESCRIPTIONS
from mmseg.datasets.builder import DATASETS, PIPELINES
from mmseg.models.builder import BACKBONES, HEADS, LOSSES, NECKS, SEGMENTORS, TERMS, UDA
from mmseg.models.uda.instance_level import InstanceLevel

COMMAND = 'python tools/document_config.py'
# Where a `type` is looked up, by the title of its part of the document.
REGISTRIES = {
    'Segmentors': SEGMENTORS,
    'Backbones': BACKBONES,
    'Necks': NECKS,
    'Decode heads': HEADS,
    'Losses': LOSSES,
    'Pixel samplers': PIXEL_SAMPLERS,
    'Adaptation methods': UDA,
    'Terms of adaptation': TERMS,
    'Data sets': DATASETS,
    'Transforms': PIPELINES,
    'Hooks': HOOKS,
}
# What others register is theirs to document.
_OWN = ('mmseg.core.', 'mmseg.datasets.', 'mmseg.models.')
# Arguments that the code passes itself.
_PASSED = {
    'Adaptation methods': ('model', 'seed'),
    'Terms of adaptation': ('student',),
    'Pixel samplers': ('context',),
}


def reference() -> str:
    """Return docs/config.md."""
    return '\n'.join(_lines()) + '\n'


def default_text(settings: type[Settings], name: str) -> str:
    """Say what holds where a setting is left out."""
    meaning, default = settings.meanings()[name], settings.defaults()[name]
    if default is not None:
        return f'`{as_text(default)}`'
    if meaning.needed_to_train:
        return 'needed to train'
    return meaning.unset or 'none'


def _lines() -> Iterator[str]:
    yield from (
        '# Keys of a config',
        '',
        f'Written by `{COMMAND}` from the code: change the docstrings and settings there, and run '
        'it again. Of one key, what it is and which file set it:',
        '`python tools/print_config.py CONFIG --explain KEY`',
        '',
        '## Settings',
        '',
        'Keys with a dot lie in the dict before it. What is left out, or None, has its default.',
    )
    for settings in ALL_SETTINGS:
        title = settings.__name__.removesuffix('Settings')
        yield from ('', f'### {title}', '', first_line(settings), '')
        yield from _table(
            (
                settings.key(name),
                meaning.kind.name,
                default_text(settings, name),
                help_text(meaning),
            )
            for name, meaning in settings.meanings().items()
        )
    yield from ('', '## Names that a config may carry along', '')
    yield 'So are all that begin with `name_` or `_`, or end with `_pipeline`.'
    yield ''
    yield from ('| key | what it is |', '| --- | --- |')
    yield from (f'| `{key}` | {_cell(help)} |' for key, help in sorted(DESCRIPTIONS.items()))
    for title, registry in REGISTRIES.items():
        yield from ('', f'## {title}')
        for name, factory in sorted(registry.module_dict.items()):
            if factory.__module__.startswith(_OWN):
                yield from _type(name, factory, _PASSED.get(title, ()))
        if title == 'Adaptation methods':
            yield from _type('uda.instance', InstanceLevel, ('student',))


def _type(name: str, factory: Callable[..., Any], passed: tuple[str, ...]) -> Iterator[str]:
    yield from ('', f'### `{name}`', '', first_line(factory))
    arguments = {k: v for k, v in arguments_of(factory).items() if k not in passed}
    if arguments:
        yield ''
        yield from _table(
            (
                key,
                f'`{argument.kind}`' if argument.kind else '',
                'needed' if argument.default is None else f'`{argument.default}`',
                argument.help,
            )
            for key, argument in arguments.items()
        )


def help_text(meaning: Meaning) -> str:
    """Say what a setting is."""
    return f'{meaning.help} None {meaning.none}.' if meaning.none else meaning.help


def _table(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield from ('| key | type | default | what it is |', '| --- | --- | --- | --- |')
    for key, *cells in rows:
        yield f'| `{key}` | {" | ".join(map(_cell, cells))} |'


def _cell(text: str) -> str:
    return text.replace('|', '\\|')
