"""Whether two runs came to the same, bit by bit."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from mmseg.core.checkpoint_reading import read_checkpoint
from mmseg.core.json_logs import find_logs, read_records

# Measured, not computed.
_TIMES = ('time', 'data_time', 'memory')


def logged_values(work_dir: Path) -> dict[tuple[str, int], dict[str, Any]]:
    """Return what a run logged, by mode and iteration; what was done again counts once."""
    values = {}
    for record in read_records(find_logs(work_dir)):
        if 'mode' in record:
            kept = {key: value for key, value in record.items() if key not in _TIMES}
            values[record['mode'], record['iter']] = kept
    return values


def run_differences(one: Path, other: Path, checkpoint: str) -> list[str]:
    """Compare two runs: logged values, weights, bank, optimizer, random states, best score.

    Args:
        one: A work dir.
        other: Another one.
        checkpoint: Name of the file of both that is compared.

    Returns:
        Where they differ; nothing where they are the same.
    """
    pairs = {'logged': (logged_values(one), logged_values(other))}
    first, second = (read_checkpoint(folder / checkpoint) for folder in (one, other))
    for part in ('state_dict', 'optimizer'):
        pairs[part] = (first[part], second[part])
    pairs['random_states'] = tuple(c['training']['random_states'] for c in (first, second))
    pairs['best'] = (first['meta'].get('best'), second['meta'].get('best'))
    return [place for name, pair in pairs.items() for place in _differences(*pair, name)]


def _differences(one: Any, other: Any, place: str) -> Iterator[str]:
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        if not torch.equal(one, other):
            yield place
    elif isinstance(one, Mapping) and isinstance(other, Mapping):
        if one.keys() != other.keys():
            yield f'{place}: {sorted(map(str, one.keys() ^ other.keys()))} only once'
        for key in one.keys() & other.keys():
            yield from _differences(one[key], other[key], f'{place}.{key}')
    elif isinstance(one, list | tuple) and isinstance(other, list | tuple):
        if len(one) != len(other):
            yield place
        for index, (first, second) in enumerate(zip(one, other, strict=False)):
            yield from _differences(first, second, f'{place}[{index}]')
    elif one != other:
        yield f'{place}: {one} and {other}'
