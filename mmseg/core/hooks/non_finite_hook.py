"""What to do about steps whose loss or gradient is infinite or no number."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmcv.runner import HOOKS, Hook
from torch.nn.modules.batchnorm import _BatchNorm

from mmseg.utils.atomic import atomic_path
from mmseg.utils.errors import UserError


@HOOKS.register_module()
class NonFiniteHook(Hook):
    """Count the steps that were skipped, undo what else they did, and stop after many in a row.

    The models and `OptimizerHook` take no optimizer step where the loss or a gradient is not
    finite; here BatchNorm's statistics are put back too. The batch of the last step of such a row
    is saved, with the state that it met, for tools/replay_batch.py.

    Args:
        max_in_row: Skipped steps in a row that end the run, at least 2.
    """

    def __init__(self, max_in_row: int = 10) -> None:
        if max_in_row < 2:
            raise UserError(f'max_skipped_steps: expected at least 2, got {max_in_row}')
        self.max_in_row = max_in_row
        self.num_in_row = 0
        self._state: dict[str, torch.Tensor] | None = None

    def before_run(self, runner) -> None:
        norms = [m for m in runner.model.modules() if isinstance(m, _BatchNorm)]
        self._statistics = [buffer for norm in norms for buffer in norm.buffers()]
        self._before = [buffer.clone() for buffer in self._statistics]

    def before_train_iter(self, runner) -> None:
        if self._statistics:
            torch._foreach_copy_(self._before, self._statistics)
        if self.num_in_row == self.max_in_row - 1:
            state = runner.model.state_dict()
            self._state = {key: value.detach().cpu().clone() for key, value in state.items()}

    def after_train_iter(self, runner) -> None:
        loss = runner.outputs['log_vars'].get('loss', 0.0)
        if runner.outputs.get('has_stepped', math.isfinite(loss)):
            self.num_in_row, self._state = 0, None
            return
        if self._statistics:
            torch._foreach_copy_(self._statistics, self._before)
        self.num_in_row += 1
        runner.meta['skipped_steps'] = total = runner.meta.get('skipped_steps', 0) + 1
        what = 'a gradient is not finite' if math.isfinite(loss) else f'the loss is {loss}'
        message = f'iteration {runner.iter + 1}: {what}, the step is skipped'
        if runner.rank == 0:
            runner.logger.warning(f'{message} ({self.num_in_row} in a row, {total} in all)')
        if self.num_in_row == self.max_in_row:
            self._stop(runner)

    def _stop(self, runner) -> None:
        name = f'iter_{runner.iter + 1}_rank_{runner.rank}.pth'
        path = Path(runner.work_dir) / 'non_finite' / name
        content = {
            'state_dict': self._state,
            'meta': {**runner.meta, 'iter': runner.iter, 'rank': runner.rank},
            'batch': plain_values(runner.data_batch),
        }
        with atomic_path(path) as temporary:
            torch.save(content, temporary)
        raise UserError(
            f'{self.num_in_row} steps in a row were not finite (max_skipped_steps); the last batch '
            f'is in {path}: look at it with python tools/replay_batch.py {path}, lower the '
            'learning rate, or switch amp off'
        )


def plain_values(value: Any) -> Any:
    """Turn a batch into tensors, numbers, texts and containers of them, which load safely."""
    if isinstance(value, torch.Tensor):
        return value.detach().cpu()
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, Mapping):
        return {key: plain_values(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_values(item) for item in value]
    return value if isinstance(value, int | float | str | None) else str(value)
