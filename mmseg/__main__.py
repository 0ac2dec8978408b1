"""The command `dida`, or `python -m mmseg`: all programs of this project under one name."""

import importlib.util
import re
import sys
from types import ModuleType

from mmseg.utils.cli import run_cli
from mmseg.utils.errors import UserError, nearest
from mmseg.utils.places import CONFIGS, HOME
from mmseg.utils.programs import PROGRAMS, overview
from mmseg.version import __version__

_USAGE = """usage: dida COMMAND [argument...]
       dida COMMAND --help    tells what a command takes
       dida --version
       dida --configs         the folder of the configs that come with it"""
_PROGRAM = re.compile(r'python ((?:\w+/)*\w+\.py)')


def main() -> None:
    """Call the program that the command line names."""
    run_cli(_call)


def _call() -> None:
    words = sys.argv[1:]
    if not words:
        print(_help(), file=sys.stderr)
        raise SystemExit(2)
    if words[0] in ('-h', '--help'):
        print(_help())
    elif words[0] == '--version':
        print(f'dida {__version__}')
    elif words[0] == '--configs':
        print(CONFIGS)
    else:
        name = command_of(words)
        sys.argv = [f'dida {name}', *words[len(name.split()) :]]
        _load(name).main()


def _help() -> str:
    return f'{_USAGE}\n\n{overview()}'


def command_of(words: list[str]) -> str:
    """Return the command that the first words name; of some commands two words are the name.

    Raises:
        SystemExit: They ask what may follow on the first word, which is shown.
        UserError: There is no such command.
    """
    for name in (' '.join(words[:2]), words[0]):
        if name in PROGRAMS:
            return name
    family = [name for name in PROGRAMS if name.startswith(f'{words[0]} ')]
    if family and words[1:2] in ([], ['-h'], ['--help']):
        kinds = '|'.join(name.split()[1] for name in family)
        is_asked = len(words) > 1
        print(
            f'usage: dida {words[0]} {kinds} [argument...]\n\n{overview(family)}',
            file=sys.stdout if is_asked else sys.stderr,
        )
        raise SystemExit(0 if is_asked else 2)
    name = ' '.join(words[:2]) if family else words[0]
    raise UserError(f'there is no command {name!r}; {nearest(name, family or PROGRAMS)}')


def _load(name: str) -> ModuleType:
    """Import a program; what its help shows of its documentation calls programs as `dida` does."""
    sys.path.insert(0, str(HOME))  # where programs find each other
    file = PROGRAMS[name]
    module_name = file.removesuffix('.py').replace('/', '.')
    spec = importlib.util.spec_from_file_location(module_name, HOME / file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    spec.loader.exec_module(module)
    module.__doc__ = _PROGRAM.sub(_as_command, module.__doc__ or '')
    return module


def _as_command(match: re.Match[str]) -> str:
    names = [name for name, file in PROGRAMS.items() if file == match[1]]
    return f'dida {names[0]}' if names else match[0]


if __name__ == '__main__':
    main()
