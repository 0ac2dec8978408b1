"""Where configs and programs are, and where what a run reads and writes goes.

In a checkout both are its folder. Installed as a package, configs and programs are inside it, not
to be written to; `data/`, `pretrained/`, `configs/generated/` and `work_dirs/` count from the
folder that a process was started in.
"""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
# What setup.py makes of the folders beside the package.
_INSTALLED = _PACKAGE / '_shipped'
IS_INSTALLED = _INSTALLED.is_dir()
# Holds configs/, tools/, demo/, benchmarks/, embedding_cache/ and the programs beside them.
HOME = _INSTALLED if IS_INSTALLED else _PACKAGE.parent
CONFIGS = HOME / 'configs'
WORKSPACE = Path.cwd() if IS_INSTALLED else HOME


def named_file(path: str | Path) -> Path:
    """Return the file that a user names, of which the project's configs/ may hold the only one.

    Args:
        path: As it was given. A file below `configs/` that is not there is looked for in the
            project's own `configs/`.
    """
    path = Path(path)
    own = HOME / path
    is_own = path.parts[:1] == ('configs',) and not path.is_file() and own.is_file()
    return own if is_own else path
