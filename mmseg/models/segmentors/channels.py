"""How wide the maps are that necks and heads read, where their configs leave it to the encoder."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmseg.core.building import accepted_keywords
from mmseg.models.builder import HEADS, NECKS
from mmseg.utils.errors import UserError


def with_in_channels(cfg: Mapping[str, Any], channels: Sequence[int] | None) -> Mapping[str, Any]:
    """Fill in `in_channels` of a neck or head that leaves it out.

    Args:
        cfg: Config of a neck, which reads all maps, or of a head, which reads those at `in_index`
            (the last one where it is not given).
        channels: Channels of each map; None where the encoder does not say them (`out_channels`).

    Returns:
        The config, `in_channels` among its settings if its type has that setting and `channels`
        are known.

    Raises:
        UserError: `in_index` names a map that there is not.
    """
    is_neck = cfg.get('type') in NECKS.module_dict
    # A head that wraps another hands it what it reads.
    kind = str(cfg.get('single_scale_head', cfg.get('type')))
    factory = (NECKS if is_neck else HEADS).get(kind)
    known = None if factory is None else accepted_keywords(factory)
    if 'in_channels' in cfg or channels is None or known is None or 'in_channels' not in known:
        return cfg
    if is_neck:
        return {**cfg, 'in_channels': list(channels)}
    index = cfg.get('in_index', -1)
    try:
        if isinstance(index, int):
            return {**cfg, 'in_channels': channels[index]}
        return {**cfg, 'in_channels': [channels[i] for i in index]}
    except IndexError:
        raise UserError(
            f'{cfg["type"]}: in_index={index} names maps beyond the {len(channels)} that there are'
        ) from None
