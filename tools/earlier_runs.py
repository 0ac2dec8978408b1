"""What becomes of the runs that an experiment has left before."""

import argparse
from collections.abc import Sequence
from typing import Any

from mmseg.apis import load_config
from mmseg.apis.claim import work_dir_in_use
from mmseg.core.run_files import remove_run
from mmseg.utils.errors import UserError
from tools import run_configs


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
        for work_dir in run_configs.used_work_dirs(config, args.work_root):
            if not args.overwrite:
                file = run_configs.ROOT / run_configs.write_config(config, work_dir, 'json')
                cfg = load_config(file, args.options)
                raise work_dir_in_use(work_dir, cfg, another='another --work-root')
            remove_run(work_dir)
