"""What a work dir tells about its run."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmseg.core.evaluation.percent import (
    SCORES,
    classes_in_percent,
    kinds_of,
    main_score,
    mean_in_percent,
)
from mmseg.core.examples import Examples, read_examples
from mmseg.core.json_logs import (
    NETWORKS,
    Curves,
    Record,
    curves_of,
    find_logs,
    latest_by_iteration,
    read_records,
)
from mmseg.core.run_files import CHOOSING
from mmseg.utils.distinct_parts import distinct_parts
from mmseg.utils.errors import UserError
from mmseg.utils.links import named

_CONFIG, _RESULT = 'config.json', 'result.json'


@dataclass(frozen=True)
class Run:
    """A run as far as it has come.

    Attributes:
        folder: Its work dir.
        config: Its config; empty where the work dir has none.
        facts: Seed, revision, command, environment: what the newest log begins with.
        curves: What training logged and the metrics of evaluations, by iteration.
        evaluations: Records of evaluations in order, each with 'iter' and 'student', perhaps
            'teacher'.
        bank: Records of the instance bank in order: 'iter', 'counts', 'quotas', 'drift'.
        result: What the finished run came to; None while it is running.
        examples: Validation images with predictions; None where none were kept.
        choosing: Scores without labels of the run's networks, each with 'iteration', 'branch' and
            'scores', where tools/choose.py has been asked.
    """

    folder: Path
    config: dict[str, Any]
    facts: dict[str, Any]
    curves: Curves
    evaluations: list[Record]
    bank: list[Record]
    result: dict[str, Any] | None
    examples: Examples | None
    choosing: list[Record]

    @property
    def name(self) -> str:
        """The config's name, or that of the work dir."""
        return self.config.get('name') or self.folder.resolve().name

    @property
    def networks(self) -> list[str]:
        """The networks that were evaluated."""
        last = self.evaluations[-1] if self.evaluations else {}
        return [network for network in NETWORKS if isinstance(last.get(network), dict)]

    @property
    def classes(self) -> list[str]:
        """The class names, in the order of the labels; none before an evaluation."""
        return list(self.class_values(self.networks[0], self.kind)) if self.networks else []

    @property
    def kind(self) -> str:
        """The kind of values that stands for a class: 'IoU', or what was measured in its place."""
        return main_score(self.evaluations[-1][self.networks[0]] if self.networks else ())[1:]

    @property
    def scores(self) -> list[str]:
        """The means that were asked for, such as 'mIoU'."""
        metrics = self.evaluations[-1][self.networks[0]] if self.networks else {}
        return [score for score in SCORES if score in metrics]

    @property
    def iterations(self) -> tuple[int, int | None]:
        """How many iterations are logged, and how many there are to be."""
        done = max((points[-1][0] for points in self.curves.values()), default=0)
        return done, (self.config.get('runner') or {}).get('max_iters')

    def mean(self, kind: str, network: str) -> float | None:
        """Return the mean of a kind in percent, by the last evaluation; None where not known."""
        return mean_in_percent(_numbers(self.evaluations[-1].get(network)), kind)

    def class_values(self, network: str, kind: str) -> dict[str, float | None]:
        """Return a kind of values, such as 'IoU', of each class in percent, likewise."""
        return classes_in_percent(_numbers(self.evaluations[-1].get(network)), kind)

    def kinds(self, network: str) -> list[str]:
        """Return the kinds of values that there are of each class, but for mere accuracy."""
        found = kinds_of(self.evaluations[-1].get(network) or {})
        return [kind for kind in found if kind != 'Acc']

    def class_curve(self, network: str, kind: str, name: str) -> list[tuple[int, float]]:
        """Return the points (iteration, value as a fraction) of a class."""
        return self.curves.get(f'{kind}.{name} {network}', [])


def read_run(work_dir: Path) -> Run:
    """Read a run from its work dir.

    Args:
        work_dir: Folder that training wrote, or is still writing; old ones have fewer files.

    Raises:
        UserError: There is no such folder, it holds no log, or a log is not one.
    """
    if not work_dir.is_dir():
        raise UserError(f'no work dir at {named(work_dir)}')
    records = read_records(find_logs(work_dir))
    facts = [record for record in records if 'mode' not in record]
    return Run(
        folder=work_dir,
        config=_read_json(work_dir / _CONFIG) or {},
        facts=facts[-1] if facts else {},
        curves=curves_of(records),
        evaluations=[
            record
            for record in latest_by_iteration(records, 'val')
            if any(isinstance(record.get(network), dict) for network in NETWORKS)
        ],
        bank=latest_by_iteration(records, 'bank'),
        result=_read_json(work_dir / _RESULT),
        examples=read_examples(work_dir),
        choosing=(_read_json(work_dir / CHOOSING) or {}).get('networks', []),
    )


def labels_of(runs: Sequence[Run]) -> list[str]:
    """Return short names that tell the runs apart."""
    names = distinct_parts([run.name for run in runs])
    if len(set(names)) < len(names):
        names = [run.folder.resolve().name for run in runs]
    return names


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except FileNotFoundError:
        return None
    except json.JSONDecodeError as error:
        raise UserError(f'{path}, line {error.lineno}: not JSON, {error.msg}') from error
    except UnicodeDecodeError as error:
        raise UserError(f'{path}: not JSON, {error}') from error
    if not isinstance(content, dict):
        raise UserError(f'{path}: expected an object of settings, got {type(content).__name__}')
    return content


def _numbers(metrics: dict[str, Any] | None) -> dict[str, float]:
    """Return the metrics that are numbers, NaN for those that the JSON log has no number for."""
    return {
        key: float('nan') if value is None else value
        for key, value in (metrics or {}).items()
        if value is None or isinstance(value, int | float)
    }
