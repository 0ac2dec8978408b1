"""Work dirs: what a run leaves behind, and how to find it again."""

from pathlib import Path

import mmcv
from mmcv.utils import Config

from mmseg.core.checkpoint import LATEST
from mmseg.core.checkpoint_reading import iteration_of, saved_checkpoints
from mmseg.utils.atomic import atomic_path
from mmseg.utils.errors import UserError
from mmseg.utils.links import named

CONFIG_NAME = 'config.json'
_NOT_CONFIGS = ('result.json', 'summary.json')


def default_work_dir(config: str | Path) -> Path:
    """Return the work dir of a config that names none."""
    return Path('work_dirs') / Path(config).stem


def config_text(cfg: Config) -> str:
    """Return the whole config, its bases merged, as JSON."""
    return mmcv.dump(cfg._cfg_dict.to_dict(), file_format='json')


def save_config(cfg: Config, work_dir: str | Path) -> str:
    """Write the whole config, its bases merged, into a work dir.

    Args:
        cfg: The config.
        work_dir: Folder, made if missing.

    Returns:
        The config's text, JSON.
    """
    text = config_text(cfg)
    with atomic_path(Path(work_dir) / CONFIG_NAME) as temporary:
        temporary.write_text(text, encoding='utf-8')
    return text


def find_run(work_dir: str | Path) -> tuple[Path, Path]:
    """Find the config and the newest checkpoint in a work dir.

    Args:
        work_dir: Folder that a training run wrote, ours or a released one.

    Returns:
        Paths of the config and of `latest.pth`; where that is missing, of the checkpoint with the
        highest number.

    Raises:
        UserError: One of them is not there, or there are several configs.
    """
    folder = Path(work_dir)
    if not folder.is_dir():
        raise UserError(f'no work dir at {named(folder)}')
    return _find_config(folder), _find_checkpoint(folder)


def _find_checkpoint(folder: Path) -> Path:
    """Return `latest.pth`, or what it would stand for where the link was lost on the way here."""
    latest = folder / LATEST
    if latest.is_file():
        return latest
    numbered = [path for path in saved_checkpoints(folder) if path.name.startswith('iter_')]
    if numbered:
        return max(numbered, key=iteration_of)
    if latest.is_symlink():
        raise UserError(f'no checkpoint at {named(latest)}: copy it there, or mend the link')
    raise UserError(f'{folder} holds no {LATEST}: the run has not saved a checkpoint yet')


def _find_config(folder: Path) -> Path:
    if (folder / CONFIG_NAME).is_file():
        return folder / CONFIG_NAME
    files = [*folder.glob('*.json'), *folder.glob('*.py')]
    configs = [f for f in files if not f.name.endswith('.log.json') and f.name not in _NOT_CONFIGS]
    if len(configs) != 1:
        names = ', '.join(sorted(path.name for path in configs)) or 'none'
        raise UserError(f'expected one config (.json or .py) in {folder}, found {names}')
    return configs[0]
