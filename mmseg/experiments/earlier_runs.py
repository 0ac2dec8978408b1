"""What becomes of the runs that an experiment has left before."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmseg.apis import load_config
from mmseg.apis.claim import config_differences, work_dir_in_use
from mmseg.apis.config import Config
from mmseg.apis.resumed_settings import is_of_no_weight
from mmseg.apis.work_dir import CONFIG_NAME, config_text
from mmseg.core.run_files import remove_run
from mmseg.utils.command import begun_command, said_again
from mmseg.utils.errors import UserError

from . import runs

_MAX_SHOWN = 5


def make_room(configs: Sequence[dict[str, Any]], args: argparse.Namespace) -> None:
    """Remove earlier runs of these names, if --overwrite says so; without a word they are in use.

    Raises:
        UserError: There is one, and the command line does not say what becomes of it.
    """
    if args.resume and args.overwrite:
        raise UserError('--overwrite removes the runs that --resume would go on with: give one')
    if args.resume:
        return
    for config in configs:
        for work_dir in runs.used_work_dirs(config, args.work_root):
            if not args.overwrite:
                file = runs.WORKSPACE / runs.write_config(config, work_dir, 'json')
                cfg = load_config(file, args.options, args.plugins)
                raise work_dir_in_use(work_dir, cfg, another='another --work-root')
            remove_run(work_dir)


def other_settings(work_dir: Path, cfg: Config) -> list[str]:
    """Name the settings that count in which a finished run is not what a config describes.

    Args:
        work_dir: The run's.
        cfg: The config.

    Returns:
        Lines such as `runner.max_iters: 1 there, 3 here`.
    """
    there = json.loads((work_dir / CONFIG_NAME).read_text(encoding='utf-8'))
    here = {'seed': 0, **json.loads(config_text(cfg))}
    lines = config_differences(there, here)
    return [line for line in lines if not is_of_no_weight(line.partition(':')[0])]


def finished_otherwise(work_dir: Path, differences: Sequence[str]) -> UserError:
    """Return the error that says why a finished run is not taken for the one that is asked for."""
    more = len(differences) - _MAX_SHOWN
    shown = '; '.join(differences[:_MAX_SHOWN]) + f'; and {more} more' * (more > 0)
    again = said_again(begun_command(), '--overwrite')
    return UserError(
        f'{work_dir} was finished with other settings and is not taken for this run: {shown}. '
        f'Replace it: {again} (--jobs chooses which); or keep both: another --work-root'
    )
