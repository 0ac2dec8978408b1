"""How a run is evaluated while it trains."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from .kinds import FLAG, TEXT, TEXTS, WHOLE
from .setting import Settings, setting


@dataclass(frozen=True)
class EvaluationSettings(Settings):
    """When `data.val` is evaluated on, by what, and which checkpoint is best."""

    SECTION: ClassVar[str] = 'evaluation'

    interval: int = setting(
        -1, WHOLE, 'Iterations between two evaluations; below 1 evaluates after the last only.'
    )
    metric: str | Sequence[str] = setting(
        'mIoU', TEXTS, "'mIoU', 'mDice', 'mFscore', or a list of them."
    )
    save_best: str | None = setting(
        'auto',
        TEXT,
        "Metric of the student whose best checkpoint is kept; 'auto' is the first of `metric`.",
        none='keeps none',
    )
    pre_eval: bool = setting(
        True, FLAG, 'As in published configs; memory stays flat here in any case.'
    )
    efficient_test: bool = setting(
        False, FLAG, 'As in published configs; memory stays flat here in any case.'
    )
    by_epoch: bool = setting(False, FLAG, 'As in published configs; only False has a meaning here.')
