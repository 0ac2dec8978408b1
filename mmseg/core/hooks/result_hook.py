"""The outcome of a run in one small file."""

import json
import time
from pathlib import Path

from mmcv.runner import HOOKS, Hook

from mmseg.core.adaptation import bank_of
from mmseg.core.evaluation.percent import result_in_percent
from mmseg.utils.atomic import atomic_path
from mmseg.utils.environment import peak_memory_gb

from .evaluation_hook import EvalHook

RESULT = 'result.json'


@HOOKS.register_module()
class ResultHook(Hook):
    """Write `result.json` into the work dir when the run ends; until then there is none.

    Its keys: `mIoU`, `mIoU_teacher` (null without a teacher), `IoU` per class and `extra` means,
    all in percent of the last evaluation (null without one), where other metrics were evaluated the
    same of those, such as `mDice`, `mDice_teacher` and `Dice`; `seconds`; `peak_memory_gb`; and for
    a model with an instance bank, `instance_loss_since`, the iteration since which the instance
    loss runs (null if it never did).

    Args:
        evaluation: The hook that evaluates, or None.
    """

    def __init__(self, evaluation: EvalHook | None = None) -> None:
        self.evaluation = evaluation

    def before_run(self, runner) -> None:
        self.start_time = time.monotonic() - (runner.meta or {}).get('seconds', 0.0)
        if runner.rank == 0 and runner.iter < runner.max_iters:
            (Path(runner.work_dir) / RESULT).unlink(missing_ok=True)

    def after_train_iter(self, runner) -> None:
        # Kept in checkpoints, so that the time of all parts of an interrupted run counts.
        runner.meta['seconds'] = time.monotonic() - self.start_time

    def after_run(self, runner) -> None:
        metrics = {} if self.evaluation is None else self.evaluation.latest
        result = {
            **result_in_percent(metrics.get('student'), metrics.get('teacher')),
            'seconds': round(time.monotonic() - self.start_time, 1),
            'peak_memory_gb': round(peak_memory_gb(runner.device), 3),
        }
        if bank_of(runner.model) is not None:
            result['instance_loss_since'] = runner.meta.get('bank', {}).get('loss_since')
        if runner.rank == 0:
            with atomic_path(Path(runner.work_dir) / RESULT) as temporary:
                temporary.write_text(json.dumps(result, indent=2) + '\n', encoding='utf-8')
