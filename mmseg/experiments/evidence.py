"""Evidence over seeds: what methods reach on pairs of domains, and whether they differ.

Results of runs are kept as rows of one file, so that a table can grow over many evenings and be
drawn anew by anyone.
"""

import json
import re
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from scipy import stats

from mmseg.utils.atomic import atomic_path
from mmseg.utils.errors import UserError

from .runs import CONFIG, RESULT, read_result
from .summary import mean_and_spread

_NAMES = {
    'source-only_photometric': 'source-only, PhotoMetricDistortion',
    'dacs': 'DACS',
    'daformer': 'DAFormer',
    'dida': 'DIDA, as published',
    'dida_paper': 'DIDA, as in the paper',
    'mic': 'MIC',
    'dida_mic': 'DIDA and MIC',
    'target-only': "the target's own labels",
}


@dataclass(frozen=True)
class Row:
    """The result of one run.

    Attributes:
        pair: The domains, 'game2camvid' for example.
        method: The run's method with its options, without rare class sampling.
        seed: Its seed.
        iters: Iterations.
        student: mIoU of the student in percent.
        teacher: That of the teacher; None where there is none.
        iou: The student's IoU of each class in percent; None where the class does not occur.
        minutes: How long it took.
        memory: Its peak in GiB.
        commit: The code's.
    """

    pair: str
    method: str
    seed: int
    iters: int
    student: float
    teacher: float | None
    iou: dict[str, float | None]
    minutes: float
    memory: float
    commit: str

    @property
    def setting(self) -> tuple[str, str, int, int]:
        """What no two rows have in common."""
        return self.pair, self.method, self.iters, self.seed


class Difference(NamedTuple):
    """A mean over pairs of runs of the same seed, with half the width of its 95 % interval."""

    mean: float
    half: float
    num_seeds: int


def finished_runs(folders: Iterable[Path]) -> list[Path]:
    """Return the work dirs of finished runs in and below folders."""
    found = {path.parent for folder in folders for path in Path(folder).rglob(RESULT)}
    return sorted(folder for folder in found if (folder / CONFIG).is_file())


def row_of(work_dir: Path) -> Row:
    """Return the row of a finished run of an experiment.

    Raises:
        UserError: It is none of an experiment.
    """
    result, config = read_result(work_dir), json.loads((work_dir / CONFIG).read_text())
    if 'name_dataset' not in config:
        raise UserError(f'{work_dir} is no run of an experiment: its config has no name_dataset')
    method = re.sub(r'_rcs[\d.]+|_from-.*', '', config['name_uda'])
    if config['name_architecture'].startswith('hrda'):
        method += '_hrda'
    return Row(
        config['name_dataset'],
        method,
        config['seed'],
        config['runner']['max_iters'],
        result['mIoU'],
        result['mIoU_teacher'],
        result['IoU'],
        round(result['seconds'] / 60, 2),
        round(result['peak_memory_gb'], 2),
        config['git_rev'],
    )


def read_rows(path: Path) -> list[Row]:
    """Read the rows of a file; none where it does not exist yet."""
    return [Row(**row) for row in json.loads(path.read_text())] if path.exists() else []


def write_rows(rows: Sequence[Row], path: Path) -> None:
    """Write rows to a file, one a line."""
    ordered = sorted(rows, key=lambda row: row.setting)
    lines = ',\n'.join(json.dumps(asdict(row)) for row in ordered)
    with atomic_path(path) as temporary:
        temporary.write_text(f'[\n{lines}\n]\n')


def with_more(rows: Iterable[Row], more: Iterable[Row]) -> list[Row]:
    """Return rows with more of them, which replace those of the same pair, method and seed."""
    return list({row.setting: row for row in [*rows, *more]}.values())


def difference(of: Iterable[Row], baseline: Iterable[Row]) -> Difference | None:
    """Return how much more the students reach, by seed, with Student's 95 % interval.

    Returns:
        None where fewer than two seeds are in both.
    """
    reached = {row.seed: row.student for row in baseline}
    differences = [row.student - reached[row.seed] for row in of if row.seed in reached]
    if len(differences) < 2:
        return None
    error = statistics.stdev(differences) / len(differences) ** 0.5
    half = float(stats.t.ppf(0.975, len(differences) - 1)) * error
    return Difference(statistics.fmean(differences), half, len(differences))


def table_of_methods(rows: Sequence[Row], baseline: str = 'daformer') -> str:
    """Lay the methods of one pair out in Markdown.

    Args:
        rows: Of one pair.
        baseline: The method that the others are compared with.

    Returns:
        A line a method: mIoU of student and teacher, mean ± standard deviation over the seeds, the
        difference to the baseline with its interval, and the cost of a run.
    """
    named = _NAMES.get(baseline, baseline)
    lines = [
        f'| method | seeds | student | teacher | against {named}, 95 % | minutes | GiB |',
        '| --- | --- | --- | --- | --- | --- | --- |',
    ]
    of_baseline = [row for row in rows if row.method == baseline]
    for method, runs in _by_method(rows).items():
        against = None if method == baseline else difference(runs, of_baseline)
        cells = [
            _NAMES.get(method, method),
            str(len(runs)),
            _mean(row.student for row in runs),
            _mean(row.teacher for row in runs),
            '' if against is None else f'{against.mean:+.1f} ± {against.half:.1f}',
            f'{statistics.fmean(row.minutes for row in runs):.1f}',
            f'{max(row.memory for row in runs):.1f}',
        ]
        lines.append(f'| {" | ".join(cells)} |')
    return '\n'.join(lines)


def table_of_classes(rows: Sequence[Row]) -> str:
    """Lay the students' IoU of each class out in Markdown, a column a method, for one pair."""
    methods = _by_method(rows)
    lines = [
        f'| class | {" | ".join(_NAMES.get(method, method) for method in methods)} |',
        '| --- |' + ' --- |' * len(methods),
    ]
    for name in rows[0].iou:
        cells = [_mean(row.iou[name] for row in runs) for runs in methods.values()]
        if any(cells):
            lines.append(f'| {name} | {" | ".join(cells)} |')
    return '\n'.join(lines)


def _by_method(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Sort rows by method, in the order of the experiments."""
    order = ['source-only', *_NAMES]
    methods = sorted(
        {row.method for row in rows},
        key=lambda method: (order.index(method) if method in order else len(order) - 2, method),
    )
    return {method: [row for row in rows if row.method == method] for method in methods}


def _mean(values: Iterable[float | None]) -> str:
    known = [value for value in values if value is not None]
    return mean_and_spread(known, digits=1) if known else ''
