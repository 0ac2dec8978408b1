"""A wheel of this checkout, made without a network, and an environment that it is installed in."""

import site
import subprocess
import sys
import sysconfig
import venv
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


def install_wheel(wheel: Path, folder: Path) -> Path:
    """Make an environment that has what this one has, and the wheel; return its folder bin."""
    venv.create(folder)
    variables = {'base': str(folder), 'platbase': str(folder)}
    packages = Path(sysconfig.get_path('purelib', 'venv', variables))
    (packages / 'below.pth').write_text('\n'.join(site.getsitepackages()))
    bin_folder = Path(sysconfig.get_path('scripts', 'venv', variables))
    command = [sys.executable, '-m', 'pip', '--python', str(bin_folder / 'python'), 'install']
    subprocess.run([*command, '--quiet', '--no-deps', '--no-index', str(wheel)], check=True)
    return bin_folder
