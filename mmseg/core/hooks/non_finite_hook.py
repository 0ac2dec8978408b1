"""What to do about steps whose loss or gradient is infinite or no number."""

import math
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmcv.runner import HOOKS, Hook
from torch.nn.modules.batchnorm import _BatchNorm

from mmseg.ops import HostCopy
from mmseg.utils.atomic import atomic_path
from mmseg.utils.errors import UserError
from mmseg.utils.programs import how_to_call

# Iterations that the host may be ahead of what it knows.
_MAX_BEHIND = 2


@HOOKS.register_module()
class NonFiniteHook(Hook):
    """Count the steps that were skipped, undo what else they did, and stop after many in a row.

    The models and `OptimizerHook` take no optimizer step where the loss or a gradient is not
    finite; here BatchNorm's statistics are put back too. The batch of the last step of such a row
    is saved, with the state that it met, for tools/replay_batch.py.

    Where several iterations make a step, one that is not finite spoils that step, which counts
    once. BatchNorm keeps what it saw in the iterations before.

    Nobody waits for a GPU to tell: it is heard of up to two iterations later, and the state is then
    that one, in which the weights are still the same.

    Args:
        max_in_row: Skipped steps in a row that end the run, at least 2.
    """

    def __init__(self, max_in_row: int = 10) -> None:
        if max_in_row < 2:
            raise UserError(f'max_skipped_steps: expected at least 2, got {max_in_row}')
        self.max_in_row = max_in_row
        self.num_in_row = 0
        self._state: dict[str, torch.Tensor] | None = None
        self._steps: deque[_Step] = deque()
        self._culprit: _Step | None = None

    def before_run(self, runner) -> None:
        norms = [m for m in runner.model.modules() if isinstance(m, _BatchNorm)]
        self._statistics = [buffer for norm in norms for buffer in norm.buffers()]
        self._before = [buffer.clone() for buffer in self._statistics]

    def before_train_iter(self, runner) -> None:
        if self._statistics:
            torch._foreach_copy_(self._before, self._statistics)
        if self.num_in_row == self.max_in_row - 1 and self._state is None:
            self._state = _state_on_cpu(runner.model)

    def after_train_iter(self, runner) -> None:
        numbers = runner.outputs['log_vars']
        has_stepped = runner.outputs.get('has_stepped')
        if has_stepped is None:
            has_stepped = math.isfinite(numbers.get('loss', 0.0))
        self._undo_unless(torch.as_tensor(has_stepped))
        is_due = runner.optimizer_step.is_due
        self._steps.append(_Step(runner.iter, has_stepped, numbers, runner.data_batch, is_due))
        while self._steps and (len(self._steps) > _MAX_BEHIND or self._steps[0].is_done()):
            self._judge(runner, self._steps.popleft())

    def after_run(self, runner) -> None:
        while self._steps:
            self._judge(runner, self._steps.popleft())

    def _undo_unless(self, has_stepped: torch.Tensor) -> None:
        for now, before in zip(self._statistics, self._before, strict=True):
            torch.where(has_stepped.to(now.device, non_blocking=True), now, before, out=now)

    def _judge(self, runner, step: '_Step') -> None:
        culprit = self._culprit
        if culprit is None and not step.has_stepped():
            culprit = step
        self._culprit = None if step.is_due else culprit
        if not step.is_due:
            return
        if culprit is None:
            self.num_in_row, self._state = 0, None
            return
        self.num_in_row += 1
        runner.meta['skipped_steps'] = total = runner.meta.get('skipped_steps', 0) + 1
        loss = culprit.numbers.get('loss', 0.0)
        what = 'a gradient is not finite' if math.isfinite(loss) else f'the loss is {loss}'
        message = f'iteration {culprit.iteration + 1}: {what}, the step is skipped'
        if runner.rank == 0:
            runner.logger.warning(f'{message} ({self.num_in_row} in a row, {total} in all)')
        if self.num_in_row == self.max_in_row:
            self._stop(runner, culprit)

    def _stop(self, runner, step: '_Step') -> None:
        name = f'iter_{step.iteration + 1}_rank_{runner.rank}.pth'
        path = Path(runner.work_dir) / 'non_finite' / name
        content = {
            'state_dict': _state_on_cpu(runner.model) if self._state is None else self._state,
            'meta': {**runner.meta, 'iter': step.iteration, 'rank': runner.rank},
            'batch': plain_values(step.batch),
        }
        with atomic_path(path) as temporary:
            torch.save(content, temporary)
        replaying = how_to_call('tools/replay_batch.py', str(path))
        raise UserError(
            f'{self.num_in_row} steps in a row were not finite (max_skipped_steps); the last batch '
            f'is in {path}: look at it with {replaying}, lower '
            'the learning rate, or switch amp off'
        )


class _Step:
    """A step of which the device may not have told yet whether it was taken."""

    def __init__(
        self, iteration: int, has_stepped: Any, numbers: Any, batch: Any, is_due: bool
    ) -> None:
        self.iteration = iteration
        self.numbers = numbers
        self.batch = batch
        self.is_due = is_due
        self._outcome = HostCopy(torch.as_tensor(has_stepped))

    def is_done(self) -> bool:
        """Say whether the outcome is known."""
        return self._outcome.is_there()

    def has_stepped(self) -> bool:
        """Return the outcome, waiting for it if need be."""
        return bool(self._outcome.wait())


def _state_on_cpu(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {key: value.detach().cpu().clone() for key, value in model.state_dict().items()}


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
