"""One short line per interval on the screen, every value in the JSON log."""

import json
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmcv.runner import HOOKS
from mmcv.runner import TextLoggerHook as MMCVTextLoggerHook

from mmseg.utils.progress import format_seconds

_NOT_LOSSES = ('mode', 'epoch', 'iter', 'lr', 'time', 'data_time', 'memory')


@HOOKS.register_module(force=True)
class TextLoggerHook(MMCVTextLoggerHook):
    """Log progress, time left, learning rate and losses; the name is mmcv's, for configs.

    Args:
        interval: Iterations between two lines.
        by_epoch: Accepted as in published configs; lines always count iterations.
        **kwargs: As for mmcv's hook.
    """

    def __init__(self, interval: int = 50, by_epoch: bool = False, **kwargs: Any) -> None:
        super().__init__(by_epoch=False, interval=interval, **kwargs)

    def before_run(self, runner) -> None:
        self.start_iter, self.start_time = runner.iter, time.monotonic()
        self.json_log_path = str(Path(runner.work_dir) / f'{runner.timestamp}.log.json')
        plain = {key: value for key, value in (runner.meta or {}).items() if key != 'config'}
        self.write_json(plain, runner)

    def after_train_iter(self, runner) -> None:
        is_last = runner.iter + 1 == runner.max_iters
        if is_last or self.every_n_iters(runner, self.interval):
            runner.log_buffer.average(self.interval)
            self.log(runner)
            # mmcv keeps every value of a run for averages that only look back one interval.
            runner.log_buffer.clear()

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
        parts = [
            f'{done:>{len(str(total))}}/{total} {done / total:4.0%}',
            f'eta {format_seconds(per_iteration * (total - done))}',
            f'{log_dict["time"]:.3f} s/it',
        ]
        if 'memory' in log_dict:
            parts.append(f'{log_dict["memory"] / 1024:.1f} GB')
        parts.append(f'lr {log_dict["lr"]:.2e}')
        values = {key: value for key, value in log_dict.items() if key not in _NOT_LOSSES}
        parts += [f'{_short(key)} {value:.4g}' for key, value in values.items()]
        runner.logger.info('  '.join(parts))


def _short(name: str) -> str:
    """Drop the parts of a loss's name that are the same for all."""
    return name.replace('decode.', '').replace('loss_', '')


def _jsonable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _jsonable(item) for key, item in value.items()}
    value = value.item() if hasattr(value, 'item') else value
    if isinstance(value, float):
        return float(f'{value:.6g}') if math.isfinite(value) else None
    return value if isinstance(value, int | str | None) else str(value)
