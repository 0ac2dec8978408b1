"""Print the Python that satisfies the requirements; make .venv where none does.

tools/bootstrap.sh calls this when its own quick look at .venv was not enough. Only the standard
library is sure to be there. Where DIDA_STACK names an end of the ranges that requirements allow, it
is another environment, .venv-oldest or .venv-newest, and no other will do.
"""

import contextlib
import fcntl
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TextIO

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tools.torch_builds import SetupError, choose_builds

ROOT = Path(__file__).resolve().parents[1]
STACKS = ('oldest', 'newest')
STACK = os.environ.get('DIDA_STACK', '')
VENV = ROOT / (f'.venv-{STACK}' if STACK else '.venv')
PYTHON = VENV / 'bin' / 'python'
INSTALLED = VENV / 'installed'  # a copy of each requirements file that is in
INSTALLING = VENV / 'installing'  # stands while .venv is not to be trusted
LOG = VENV / 'setup.log'

PIP = 'pip>=25.3'  # the first that can hold back what packages are built with
SMOKE_TEST = 'import torch, torchvision, mmcv, cv2'

# From Python 3.13 on, what `exec` assigns in a function is gone after it (PEP 667).
EXEC_OF_OLD = (
    'import builtins, sys; builtins.exec = lambda code, *names, run=exec, frame=sys._getframe: '
    'run(code, *(names or (frame(1).f_globals, frame(1).f_locals)))\n'
)

# The same module `cv2`, with other windows or none.
OPENCV = ('opencv-python', 'opencv-python-headless', 'opencv-contrib-python')


def main(files: Sequence[str]) -> None:
    """Print the path of a Python that satisfies the requirements `files`."""
    if STACK and STACK not in STACKS:
        raise SetupError(f'DIDA_STACK is one of {", ".join(STACKS)}, or empty; it is {STACK!r}')
    if not STACK and Path(sys.prefix).resolve() != VENV:
        lacking = unmet_requirements(files)
        if not lacking:
            print(sys.executable)
            return
        if os.environ.get('VIRTUAL_ENV') or os.environ.get('CONDA_PREFIX'):
            say(f'the active environment lacks {", ".join(lacking)}; going on with .venv')
    with one_at_a_time():
        if not is_whole(files):
            install(files)
    print(PYTHON)


def unmet_requirements(files: Sequence[str]) -> list[str]:
    """Return the requirement lines that this very Python's environment does not meet."""
    if importlib.util.find_spec('packaging') is None:
        return ['packaging']
    requirements = importlib.import_module('packaging.requirements')
    lines = [line for file in files for line in requirement_lines(file)]
    return [line for line in lines if not is_met(requirements.Requirement(line))]


def requirement_lines(file: str) -> list[str]:
    """Return the requirements that a file holds, without its comments."""
    lines = [line.split('#')[0].strip() for line in (ROOT / file).read_text().splitlines()]
    return [line for line in lines if line]


def pinned(line: str) -> str:
    """Return a requirement of the lowest version alone that the requirement `line` allows."""
    return re.sub(r'>=([^,;\s]+)[^;]*', r'==\1', line)


def is_met(requirement) -> bool:
    """Tell whether a package is installed in a version that the requirement allows."""
    names = OPENCV if requirement.name == OPENCV[0] else (requirement.name,)
    for name in names:
        with contextlib.suppress(PackageNotFoundError):
            return requirement.specifier.contains(version(name), prereleases=True)
    return False


def is_whole(files: Sequence[str]) -> bool:
    """Tell whether the environment was finished with these very requirements."""
    copies = [INSTALLED / file for file in files]
    return (
        PYTHON.exists()
        and not INSTALLING.exists()
        and all(copy.exists() for copy in copies)
        and all(copy.read_bytes() == (ROOT / copy.name).read_bytes() for copy in copies)
    )


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Hold a lock that ends with this process and the pip that it started, however they end."""
    with open(__file__) as file:
        os.set_inheritable(file.fileno(), True)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say('another set-up is under way; waiting for it')
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def install(files: Sequence[str]) -> None:
    """Make the environment, or bring it up to date, so that it satisfies `files`."""
    started = time.monotonic()
    if INSTALLING.exists() or not (PYTHON.exists() and INSTALLED.exists()):
        create_venv()
    INSTALLING.touch()
    say(f'installing {", ".join(files)} ...')
    pip('install', '--upgrade', PIP)
    lines = [line for file in files for line in requirement_lines(file)]
    lowest = list(map(pinned, lines)) if STACK == 'oldest' else []
    pins, told = choose_builds(lowest or lines, ask_pip)
    if told:
        say(told)
    asked = [argument for file in files for argument in ('-r', str(ROOT / file))]
    with exec_of_old():
        pip('install', *asked, *lowest, *pins)
    if 'requirements.txt' in files:
        check_imports()
    INSTALLED.mkdir(exist_ok=True)
    for file in files:
        shutil.copyfile(ROOT / file, INSTALLED / file)
    INSTALLING.unlink()
    say(f'{VENV.name} is ready after {time.monotonic() - started:.0f} s')


def create_venv() -> None:
    """Make an empty environment, in place of what an interrupted set-up may have left."""
    say(f'making {VENV.name} with Python {sys.version.split()[0]}')
    if importlib.util.find_spec('ensurepip') is None:
        raise SetupError('this Python cannot make environments (Debian: apt install python3-venv)')
    shutil.rmtree(VENV, ignore_errors=True)
    VENV.mkdir()
    INSTALLING.touch()
    venv.create(VENV, with_pip=True)


@contextlib.contextmanager
def exec_of_old() -> Iterator[None]:
    """Let `exec` in a function leave names behind, as before Python 3.13, in what pip starts.

    mmcv-full 1.7 has no wheel, and its setup.py reads its own version so. Python runs the `.pth`
    files of an environment as it starts, also where pip builds a package apart from the rest.
    """
    (packages,) = VENV.glob('lib/python*/site-packages')
    file = packages / 'exec_of_old.pth'
    file.write_text(EXEC_OF_OLD)
    try:
        yield
    finally:
        file.unlink()


def pip(*arguments: str) -> None:
    """Run pip in the environment; its words go to a log file, the last one to a terminal."""
    with open(LOG, 'a') as log, start_pip(arguments, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None
        for line in process.stdout:
            log.write(line)
            show_progress(line)
    show_progress('')
    if process.returncode:
        lines = [line.strip() for line in LOG.read_text().splitlines() if 'ERROR' in line]
        raise SetupError(f'pip failed ({" ".join(lines[-1:])}); all it said: {LOG}')


def ask_pip(*arguments: str) -> str:
    """Return what pip in .venv answers, '' where it fails; its complaints go to the log file."""
    with open(LOG, 'a') as log, start_pip(arguments, stderr=log) as process:
        answer, _ = process.communicate()
    return '' if process.returncode else answer


def start_pip(arguments: Sequence[str], stderr: TextIO | int) -> subprocess.Popen[str]:
    """Start pip in .venv; it inherits the lock.

    pip splits the files of its settings at blanks, and the path of a checkout may have some.
    """
    return subprocess.Popen(
        [str(PYTHON), '-m', 'pip', '--disable-pip-version-check', *arguments],
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        cwd=ROOT,
        env={**os.environ, 'PIP_BUILD_CONSTRAINT': 'build-constraints.txt'},
        close_fds=False,
    )


def check_imports() -> None:
    """Import what is likely to break; without display libraries take OpenCV's build for servers."""
    said = import_error('import cv2')
    if '.so' in said:
        say('OpenCV finds no display libraries here; taking its build for servers')
        lines = requirement_lines('requirements.txt')
        requirement = next(line for line in lines if line.startswith(OPENCV[0]))
        pip('uninstall', '--yes', OPENCV[0])
        requirement = pinned(requirement) if STACK == 'oldest' else requirement
        pip('install', requirement.replace(OPENCV[0], OPENCV[1]))
    said = import_error(SMOKE_TEST)
    if said:
        raise SetupError(f'the packages do not load: {said}')


def import_error(code: str) -> str:
    """Return the last line that `code` leaves on stderr there where it fails, else ''."""
    done = subprocess.run([str(PYTHON), '-c', code], capture_output=True, text=True)
    return done.stderr.strip().splitlines()[-1] if done.returncode else ''


def show_progress(line: str) -> None:
    """Keep the latest line of pip in one row of a terminal."""
    if sys.stderr.isatty():
        print(f'\r\033[K  {line.strip()[:90]}' if line else '\r\033[K', end='', file=sys.stderr)
        sys.stderr.flush()


def say(message: str) -> None:
    """Tell on stderr what goes on: stdout carries the answer."""
    print(f'set-up: {message}', file=sys.stderr, flush=True)


if __name__ == '__main__':
    try:
        main(sys.argv[1:])
    except (SetupError, OSError, subprocess.SubprocessError) as error:
        sys.exit(f'error: {error}')
    except KeyboardInterrupt:
        sys.exit('set-up: interrupted; the next run starts it afresh')
