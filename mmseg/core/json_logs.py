"""The JSON logs of runs: one record a line, the first of each log facts about the run."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmseg.utils.errors import UserError
from mmseg.utils.links import named

from .old_logs import translated

Record = dict[str, Any]
# Name of a curve -> its points (iteration, value).
Curves = dict[str, list[tuple[int, float]]]

NETWORKS = ('student', 'teacher')
# In the facts that a log begins with: the iterations that the run had done then.
START = 'start_iter'
_NOT_CURVES = ('mode', 'epoch', 'iter')


def find_logs(run: Path) -> list[Path]:
    """Return the JSON logs of a run, in the order they were written.

    Args:
        run: A work dir, or a log itself.

    Raises:
        UserError: There is none.
    """
    logs = [run] if run.is_file() else sorted(run.glob('*.log.json'))
    if not logs:
        raise UserError(f'no *.log.json in {named(run)}: give a work dir or a JSON log')
    return logs


def read_records(logs: Iterable[Path]) -> list[Record]:
    """Read the records of a run's logs, those alone that led to where it is now.

    Logs of mmsegmentation 0.x come in the form of ours.

    A run that went back to an earlier iteration, or died after its last checkpoint, did the
    iterations from there on again: what was logged of them before is left out. So is a last line
    without its end: a run is writing it, or died while it did.

    Args:
        logs: The run's logs, in order.

    Raises:
        UserError: A line is no JSON, or no record.
    """
    records: list[Record] = []
    for path in logs:
        try:
            text = path.read_text(encoding='utf-8')
        except UnicodeDecodeError:
            raise UserError(f'{path} is no text; is it a training log?') from None
        whole = text[: text.rfind('\n') + 1]
        for number, line in enumerate(whole.splitlines(), start=1):
            record = _record(line)
            if record is None:
                raise UserError(
                    f'{path}, line {number}: not JSON with an object a line; is it a training log?'
                )
            records.append(record)
    return _of_one_branch(translated(records))


def _of_one_branch(records: Sequence[Record]) -> list[Record]:
    """Leave out what was logged beyond the iteration that a later part of the run began at."""
    kept: list[Record] = []
    for index, record in enumerate(records):
        if 'mode' not in record:
            start = record.get(START, _first_iteration(records[index + 1 :]))
            kept = [old for old in kept if (old.get('iter') or 0) <= start]
        kept.append(record)
    return kept


def _first_iteration(records: Iterable[Record]) -> float:
    """Return what a part of a run whose facts do not say where it began tells of it."""
    for record in records:
        if record.get('mode') == 'train' and 'iter' in record:
            return record['iter']
        if 'mode' not in record:
            break
    return float('inf')


def latest_by_iteration(records: Iterable[Record], mode: str) -> list[Record]:
    """Return the records of a mode by iteration; of those done again the later counts."""
    chosen = {r['iter']: r for r in records if r.get('mode') == mode and _has_iteration(r)}
    return [chosen[iteration] for iteration in sorted(chosen)]


def curves_of(records: Iterable[Record]) -> Curves:
    """Return what changed over a run; where it did iterations again, the later value counts.

    Args:
        records: From `read_records`.

    Returns:
        The training's values by their names, metrics as 'mIoU student' and 'mIoU teacher'.
    """
    curves: dict[str, dict[int, float]] = {}
    for record in records:
        for name, value in _values(record).items():
            curves.setdefault(name, {})[record['iter']] = value
    return {name: sorted(points.items()) for name, points in curves.items()}


def read_curves(logs: Sequence[Path]) -> Curves:
    """Read the curves that a run logged; see `curves_of`."""
    return curves_of(read_records(logs))


def _values(record: Mapping[str, Any]) -> dict[str, float]:
    if not _has_iteration(record):
        return {}
    values = {key: value for key, value in record.items() if key not in _NOT_CURVES}
    for network in NETWORKS:
        metrics = values.pop(network, None)
        if isinstance(metrics, Mapping):
            values |= {f'{key} {network}': value for key, value in metrics.items()}
    return {
        key: value
        for key, value in values.items()
        if isinstance(value, int | float) and math.isfinite(value)
    }


def _has_iteration(record: Mapping[str, Any]) -> bool:
    return isinstance(record.get('iter'), int)


def _record(line: str) -> Record | None:
    """Read a line; None where it is no JSON or no object. Evaluations hold networks' metrics."""
    try:
        record = json.loads(line)
    except json.JSONDecodeError:
        return None
    return record if isinstance(record, dict) else None
