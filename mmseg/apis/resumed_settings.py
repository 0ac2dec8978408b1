"""What becomes of settings that a resumed run has and the run before had not."""

import json
from collections.abc import Mapping
from typing import Any

from mmcv.utils import Config

from mmseg.core.settings import describes_only
from mmseg.utils.distributed import rank
from mmseg.utils.errors import UserError
from mmseg.utils.logger import get_root_logger

from .claim import config_differences
from .work_dir import config_text

# What a checkpoint holds takes the place of these.
_FROM_CHECKPOINT = (
    'load_except',
    'load_from',
    'model.backbone.pretrained',
    'model.pretrained',
    'uda.instance.bank_file',
)
# They change what is printed, how fast all goes, or what there is to choose from.
_OF_NO_WEIGHT = ('custom_imports', 'data.workers_per_gpu', 'log_level', 'lr_may_rise')
_MAX_SHOWN = 10


def tell_changed_settings(meta: Mapping[str, Any], cfg: Config) -> None:
    """Say which settings of a resumed run are not those that it began with, and whether they count.

    Args:
        meta: Of the checkpoint that is resumed, with its `iter` and the text of its `config`.
        cfg: The config of the run that goes on.

    Raises:
        UserError: The optimizer is of another type: what it remembers means nothing to this one.
    """
    try:
        there = json.loads(meta.get('config') or '{}')
        here = json.loads(config_text(cfg))
    except (ValueError, TypeError):  # of another project, or made of more than plain values
        return
    if not isinstance(there, dict) or not there:
        return
    found = {line.partition(':')[0]: line for line in config_differences(there, here)}
    if 'optimizer.type' in found:
        raise UserError(
            f'{found["optimizer.type"]}: a run is gone on with by the optimizer that it began '
            'with; --load-from starts anew from its weights'
        )
    useless = {key for key in found if key.startswith(_FROM_CHECKPOINT)}
    silent = {key for key in found if is_of_no_weight(key)}
    _warn(
        f'from iteration {meta.get("iter")} on the run has settings that it had not before',
        [found[key] for key in found if key not in useless | silent],
    )
    _warn(
        'of no effect, for the checkpoint that is gone on with has its own',
        [found[key] for key in found if key in useless],
    )


def is_of_no_weight(key: str) -> bool:
    """Whether a setting, by its dotted name, leaves what is learnt as it is."""
    return key.startswith(_OF_NO_WEIGHT) or describes_only(key)


def _warn(what: str, lines: list[str]) -> None:
    if lines and rank() == 0:
        more = len(lines) - _MAX_SHOWN
        shown = '; '.join(lines[:_MAX_SHOWN]) + f'; and {more} more' * (more > 0)
        get_root_logger().warning(f'{what}: {shown}')
