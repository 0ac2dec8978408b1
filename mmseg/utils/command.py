"""The command that a user began with, and how to say it again.

The shell scripts set up the environment that Python then runs in: a command that is to be typed
anew names them, as they were called.
"""

import os
import shlex
import shutil
import sys
from collections.abc import Iterable

from .places import IS_INSTALLED

# Set by the scripts: the words of their call, a line each.
VARIABLE = 'DIDA_COMMAND'
# Options of a training that say how it stands to an earlier one → how many values they take.
_ABOUT_EARLIER_RUNS = {'--resume': 0, '--auto-resume': 0, '--overwrite': 0, '--resume-from': 1}
_SHORTEST = len('--re')
# Commands that go on with what they find without being told to.
_GO_ON_ALONE = ('adapt.sh', 'adapt.py')
_OUR_COMMAND = 'dida'


def begun_command() -> list[str]:
    """Return the words of the command that this process, or the script around it, began with."""
    told = os.environ.get(VARIABLE)
    if told:
        return told.split('\n')
    given = sys.argv[1:]
    num_processes = os.environ.get('WORLD_SIZE', '1')
    if num_processes != '1':  # torchrun's own options are not known here
        config = next((word for word in given if word.endswith(('.py', '.json'))), 'CONFIG')
        others = [word for word in given if word != config]
        return [*in_several_processes(config, num_processes), *others]
    options = sys.orig_argv[: len(sys.orig_argv) - len(given)]
    is_whole = sys.orig_argv[len(options) :] == given
    if is_whole and any(os.path.basename(word) == _OUR_COMMAND for word in options[1:2]):
        options = [_as_found(options[1]), *options[2:]]
    return [*(options if is_whole else ['python', sys.argv[0]]), *given]


def in_several_processes(config: str, number: str | int) -> list[str]:
    """Return the words that train a config with a number of processes."""
    if IS_INSTALLED:
        return ['torchrun', f'--nproc-per-node={number}', '-m', 'mmseg', 'train', config]
    return ['sh', 'tools/dist_train.sh', config, str(number)]


def python_here() -> str:
    """Return how a user calls the Python of this process from where the process is.

    It is `python`, but where a shell script brought an environment that the user's shell need not
    have: then it is that environment's.
    """
    found = shutil.which('python')
    is_found = found is not None and os.path.dirname(found) == os.path.dirname(sys.executable)
    if is_found or not os.environ.get(VARIABLE):
        return 'python'
    inside = os.path.relpath(sys.executable)
    return shlex.quote(sys.executable if inside.startswith(os.pardir) else inside)


def said_again(words: Iterable[str], option: str) -> str:
    """Return a training's command with another answer to what becomes of an earlier run.

    Args:
        words: Of the command, from `begun_command`.
        option: '--resume' or '--overwrite'.

    Returns:
        The command for a shell, everything else as it was.

    >>> said_again(['sh', 'run_exp.sh', '0', '--resume-from', 'a.pth', '--jobs', '1'], '--resume')
    'sh run_exp.sh 0 --jobs 1 --resume'
    """
    kept, num_to_pass = [], 0
    for word in words:
        if num_to_pass:
            num_to_pass -= 1
            continue
        name, has_value, _ = word.partition('=')
        num_values = _values_of(name)
        if num_values is None:
            kept.append(word)
        elif not has_value:
            num_to_pass = num_values
    return shlex.join([*kept, option])


def how_to_go_on() -> str:
    """Return the command that goes on with what was stopped, in lines for a screen."""
    words = begun_command()
    if _goes_on_alone(words):
        return over_lines(shlex.join(words))
    return over_lines(said_again(words, '--resume'))


def over_lines(command: str, width: int = 118) -> str:
    """Break a long command as a shell reads it: with a backslash at the end of a line.

    >>> print(over_lines('sh run_exp.sh 0 --resume', width=16))
    sh run_exp.sh \\
        0 --resume
    """
    lines = ['']
    for word in map(shlex.quote, shlex.split(command)):
        if lines[-1].strip() and len(lines[-1]) + 1 + len(word) > width - 2:
            lines.append('   ')
        lines[-1] += f' {word}' if lines[-1] else word
    return ' \\\n'.join(lines)


def _goes_on_alone(words: list[str]) -> bool:
    names = [os.path.basename(word) for word in words[:4]]
    is_ours = names[:2] == [_OUR_COMMAND, 'adapt'] or names[1:4] == ['-m', 'mmseg', 'adapt']
    return is_ours or any(name in _GO_ON_ALONE for name in names[:2])


def _as_found(command: str) -> str:
    """Return a command without its folder, where the user's shell finds it without."""
    name = os.path.basename(command)
    return name if shutil.which(name) == command else command


def _values_of(name: str) -> int | None:
    """Return how many values an option takes, perhaps shortened; None for all other words."""
    if name in _ABOUT_EARLIER_RUNS or len(name) < _SHORTEST:
        return _ABOUT_EARLIER_RUNS.get(name)
    return next((n for full, n in _ABOUT_EARLIER_RUNS.items() if full.startswith(name)), None)
