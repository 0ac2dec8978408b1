"""A wheel of this checkout, made without a network, and an environment that it is installed in."""

import os
import site
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterable
from pathlib import Path
from shutil import copyfile

ROOT = Path(__file__).resolve().parents[1]
_LISTED = ['git', 'ls-files', '--cached', '--others', '--exclude-standard', '-z']


def files_of_checkout() -> list[str]:
    """Return the files that git keeps or would keep, without those that are deleted."""
    listed = subprocess.check_output(_LISTED, cwd=ROOT, text=True).split('\0')
    return [file for file in listed if file and (ROOT / file).is_file()]


def build_wheel(files: Iterable[str], folder: Path) -> Path:
    """Build a wheel of these files of the checkout, with the packages that are installed here.

    Args:
        files: Counted from the checkout's folder.
        folder: A new folder, for a copy of the files and the wheel.
    """
    source = folder / 'source'
    for file in files:
        (source / file).parent.mkdir(parents=True, exist_ok=True)
        copyfile(ROOT / file, source / file)
    command = [sys.executable, '-m', 'pip', 'wheel', '--quiet', '--no-deps', '--no-index']
    command += ['--no-build-isolation', '--wheel-dir', str(folder / 'wheel'), '.']
    subprocess.run(command, cwd=source, check=True)
    (wheel,) = (folder / 'wheel').glob('*.whl')
    return wheel


def names_in(wheel: Path) -> set[str]:
    """Return the names of the files in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


class Installed:
    """An environment that has what this one has, and a wheel; and an empty folder to work in.

    Args:
        wheel: The wheel.
        folder: An empty folder, for both.
    """

    def __init__(self, wheel: Path, folder: Path) -> None:
        self.place = folder / 'place'
        self.place.mkdir()
        venv.create(folder / 'env', symlinks=True)
        (packages,) = (folder / 'env').glob('lib/python*/site-packages')
        (packages / 'below.pth').write_text('\n'.join(site.getsitepackages()))
        self.bin = folder / 'env' / 'bin'
        command = [sys.executable, '-m', 'pip', '--python', str(self.bin / 'python'), 'install']
        subprocess.run([*command, '--quiet', '--no-deps', '--no-index', str(wheel)], check=True)

    def run(self, command: str, expected_code: int = 0, **variables: str) -> str:
        """Run a command of a shell in the folder; return what it says."""
        path = f'{self.bin}{os.pathsep}{os.environ["PATH"]}'
        environment = {**os.environ, 'PATH': path, 'CUDA_VISIBLE_DEVICES': '', **variables}
        for name in ('PYTHONPATH', 'DIDA_COMMAND', 'VIRTUAL_ENV'):
            environment.pop(name, None)
        environment.setdefault('OMP_NUM_THREADS', '1')
        done = subprocess.run(
            ['sh', '-c', command], cwd=self.place, env=environment, capture_output=True, text=True
        )
        assert done.returncode == expected_code, done.stdout + done.stderr
        return done.stdout + done.stderr
