"""How far a run is on the screen, every value in the log files."""

import json
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmcv.runner import HOOKS
from mmcv.runner import TextLoggerHook as MMCVTextLoggerHook

from mmseg.core.evaluation.percent import main_score, scores_in_percent
from mmseg.core.json_logs import START
from mmseg.utils.errors import UserError
from mmseg.utils.logger import log_progress, log_to_file
from mmseg.utils.progress import format_seconds

_NOT_LOSSES = ('mode', 'epoch', 'iter', 'lr', 'time', 'data_time', 'memory')


@HOOKS.register_module(force=True)
class TextLoggerHook(MMCVTextLoggerHook):
    """Log how far a run is; the name is mmcv's, for configs.

    The screen tells progress, time left and the latest mIoU, or what is measured in its place. The
    log file has the learning rate, the losses and all else beside it, the JSON log every value in
    full.

    Args:
        interval: Iterations between two lines.
        by_epoch: Accepted as in published configs; only False has a meaning here.

    Raises:
        UserError: Epochs are to be counted.
    """

    def __init__(self, interval: int = 50, by_epoch: bool = False) -> None:
        refuse_epochs(type(self).__name__, by_epoch)
        super().__init__(by_epoch=False, interval=interval)

    def before_run(self, runner) -> None:
        self.start_iter, self.start_time = runner.iter, time.monotonic()
        self.scores: list[str] = []
        self.json_log_path = str(Path(runner.work_dir) / f'{runner.timestamp}.log.json')
        plain = {key: value for key, value in (runner.meta or {}).items() if key != 'config'}
        self.write_json({**plain, START: runner.iter}, runner)

    def before_train_iter(self, runner) -> None:
        # Here all loggers have read the averages: none is to write them again. mmcv would also
        # keep every value of a run, for averages that only look back one interval.
        runner.log_buffer.clear_output()
        if runner.iter % self.interval == 0:
            runner.log_buffer.clear()

    def after_train_iter(self, runner) -> None:
        is_last = runner.iter + 1 == runner.max_iters
        if is_last or self.every_n_iters(runner, self.interval):
            runner.log_buffer.average(self.interval)
            self.log(runner)

    def after_run(self, runner) -> None:
        runner.log_buffer.clear()

    def log_evaluation(self, done: int, metrics: Mapping[str, Mapping[str, Any]], runner) -> None:
        """Write an evaluation to the JSON log, and show its mean in the lines that follow.

        Args:
            done: Finished iterations.
            metrics: Fractions in [0, 1] of each network, by 'student' and 'teacher'.
            runner: The runner.
        """
        self.write_json({'mode': 'val', 'iter': done, **metrics}, runner)
        score = main_score(next(iter(metrics.values())))
        percent = {n: scores_in_percent(values).get(score) for n, values in metrics.items()}
        known = [f'{name} {value:.2f}' for name, value in percent.items() if value is not None]
        self.scores = [f'{score} {", ".join(known)}'] if known else []

    def write_json(self, record: Mapping[str, Any], runner) -> None:
        """Append one line to the JSON log; NaN, which JSON does not know, becomes null."""
        if runner.rank == 0:
            with open(self.json_log_path, 'a', encoding='utf-8') as file:
                file.write(json.dumps(_jsonable(record)) + '\n')

    def _dump_log(self, log_dict: dict[str, Any], runner) -> None:
        self.write_json(log_dict, runner)

    def _log_info(self, log_dict: dict[str, Any], runner) -> None:
        done, total = log_dict['iter'], runner.max_iters
        per_iteration = (time.monotonic() - self.start_time) / (done - self.start_iter)
        progress = [
            f'{done:>{len(str(total))}}/{total} {done / total:4.0%}',
            f'eta {format_seconds(per_iteration * (total - done))}',
        ]
        log_progress(runner.logger, '  '.join(progress + self.scores), is_last=done == total)
        log_to_file(runner.logger, '  '.join(progress + _details(log_dict)))


def refuse_epochs(hook: str, by_epoch: bool) -> None:
    """Refuse a logger that is to count epochs.

    Raises:
        UserError: Names the hook.
    """
    if by_epoch:
        raise UserError(f'log_config: {hook}(by_epoch=True): training counts iterations here')


def _details(log_dict: Mapping[str, Any]) -> list[str]:
    parts = [f'{log_dict["time"]:.3f} s/it']
    if 'memory' in log_dict:
        parts.append(f'{log_dict["memory"] / 1024:.1f} GB')
    parts.append(f'lr {log_dict["lr"]:.2e}')
    values = {key: value for key, value in log_dict.items() if key not in _NOT_LOSSES}
    return parts + [f'{_short(key)} {value:.4g}' for key, value in values.items()]


def _short(name: str) -> str:
    """Drop the parts of a loss's name that are the same for all."""
    return name.replace('decode.', '').replace('loss_', '')


def _jsonable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _jsonable(item) for key, item in value.items()}
    value = value.tolist() if hasattr(value, 'tolist') else value
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    if isinstance(value, float):
        return float(f'{value:.6g}') if math.isfinite(value) else None
    return value if isinstance(value, int | str | None) else str(value)
