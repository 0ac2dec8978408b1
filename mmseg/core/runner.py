"""The training loop: mmcv's, stopped and resumed at any iteration as if it had never stopped."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from mmcv.runner import RUNNERS
from mmcv.runner import IterBasedRunner as MMCVIterBasedRunner

from mmseg.utils.distributed import any_over_processes, world_size
from mmseg.utils.errors import UserError
from mmseg.utils.logger import log_to_file
from mmseg.utils.stop_request import StopRequest

from .adaptation import computing_in, student_of
from .checkpoint import (
    UnfitWeightsError,
    how_to_leave_out,
    load_state_dict,
    save_checkpoint,
    select_branch,
)
from .checkpoint_reading import check_resumable, newest_whole_checkpoint, read_checkpoint
from .deferred_numbers import DeferredLogBuffer
from .optimizer_step import OptimizerStep, load_moments
from .precision import Precision
from .training_state import restore_log_values, restore_training_state, training_state

# What hooks keep in `meta` from one iteration to the next.
_CARRIED_ON = ('bank', 'bank_means', 'best', 'evaluated', 'skipped_steps', 'seconds')


@RUNNERS.register_module(force=True)
class IterBasedRunner(MMCVIterBasedRunner):
    """Train a model for a number of iterations; the name is mmcv's, so that configs find it.

    Args:
        device: Where the model is.
        amp: None for float32, 'bf16' or 'fp16' for mixed precision. A method of
            adaptation may see to it by itself (`computing_in`).
        loss_scale: Of float16, as for `Precision`.
        **kwargs: As for mmcv's runner: model, optimizer, work_dir, logger, meta, max_iters.
    """

    meta: dict[str, Any] | None

    def __init__(
        self,
        device: torch.device,
        amp: str | None = None,
        loss_scale: str | float | Mapping[str, Any] = 'dynamic',
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.device = device
        self.precision = Precision(amp, device, loss_scale)
        self.optimizer_step = OptimizerStep()
        self.log_buffer = DeferredLogBuffer()
        self.stop_request = StopRequest()
        self.is_stopped = False
        self._last_saved = 0
        self._state_before: Mapping[str, Any] = {}
        self._is_starting = False

    @property
    def num_done(self) -> int:
        """Finished iterations, as hooks see them: mmcv counts one up after its hooks only."""
        return self.iter if self._is_starting else self.iter + 1

    def train(self, data_loader: Any, **kwargs: Any) -> None:
        """Run one iteration."""
        self.model.train()
        self.mode = 'train'
        self.data_batch = next(data_loader)
        self.call_hook('before_train_iter')
        self.optimizer_step.begin(self.iter, self.max_iters)
        with computing_in(self.precision, self.model):
            self.outputs = self.model.train_step(self.data_batch, self.optimizer, **kwargs)
        self.log_buffer.update(self.outputs['log_vars'], self.outputs['num_samples'])
        self.call_hook('after_train_iter')
        del self.data_batch
        if self._is_asked_to_stop():
            self._save_before_stopping()
        self._inner_iter += 1
        self._iter += 1

    def take_steps_by(self, step: OptimizerStep) -> None:
        """Let `step` say when gradients become steps; it takes up those that a resumed run left."""
        self.optimizer_step = step
        left = self._state_before.get('gradients')
        if not left:
            return
        place = (self.iter, self.max_iters)
        if not step.load_state_dict(left, self.optimizer, self.precision, *place):
            self.logger.warning(
                f'the gradients since iteration {left["first"]} are dropped: cumulative_iters, '
                'max_iters or the loss scale are not those of the run that left them'
            )

    def run(self, data_loader: Any, **kwargs: Any) -> None:
        """Train until `max_iters`, or until SIGINT or SIGTERM asks to stop (`is_stopped`).

        A run that was finished already is closed anew: what its end wrote may be missing.

        Args:
            data_loader: Batches, beginning with that of iteration `self.iter`.
            **kwargs: Handed to the model's `train_step`.
        """
        if self.iter >= self.max_iters:
            self.logger.info(f'nothing left to train: {self.iter} of {self.max_iters} are done')
        else:
            self.logger.info(f'training from iteration {self.iter} to {self.max_iters}')
        log_to_file(self.logger, f'hooks:\n{self.get_hook_info()}')
        self.data_loader = data_loader  # loggers of mmcv ask for its length
        with self.stop_request:
            self._is_starting = True
            self.call_hook('before_run')
            self.call_hook('before_train_epoch')
            self._is_starting = False
            # Only now: mmcv's logger hooks clear the buffer when a run starts.
            restore_log_values(self._state_before, self.log_buffer)
            batches = iter(data_loader)
            while self.iter < self.max_iters and not self.is_stopped:
                self.train(batches, **kwargs)
            self.is_stopped = self._is_asked_to_stop()
            if not self.is_stopped:
                self.call_hook('after_run')

    def save_checkpoint(
        self, out_dir: str, filename: str | None = None, save_optimizer: bool = True
    ) -> Path:
        """Save everything that a resumed run needs; `meta['iter']` counts finished iterations.

        All processes call it together, and the first one writes.

        Args:
            out_dir: Folder to save in.
            filename: Name of the file, by default `iter_<finished iterations>.pth`.
            save_optimizer: Whether the optimizer's state goes along.

        Returns:
            Path of the file.
        """
        done = self.num_done
        path = Path(out_dir) / (filename or f'iter_{done}.pth')
        meta = {**(self.meta or {}), 'iter': done, 'epoch': 0}
        optimizer = self.optimizer if save_optimizer else None
        latest = filename is None
        state = training_state(self.log_buffer, self.precision, self.optimizer_step, self.optimizer)
        if self.rank == 0:
            save_checkpoint(self.model, path, optimizer, meta, latest, state)
        self._last_saved = done if latest and save_optimizer else self._last_saved
        return path

    def resume(
        self,
        checkpoint: str,
        trust: bool = False,
        content: Mapping[str, Any] | None = None,
        **_: Any,
    ) -> None:
        """Continue from a checkpoint of this model as if the run had never stopped.

        Args:
            checkpoint: Path of a file that `save_checkpoint` wrote.
            trust: Whether the file may run code, as for `read_checkpoint`.
            content: What the file holds, where it has been read.

        Raises:
            UserError: The file is missing, damaged, of another model, or holds no training state.
        """
        content = read_checkpoint(checkpoint, trust) if content is None else content
        check_resumable(content, checkpoint)
        load_state_dict(self.model, select_branch(content['state_dict'], None), checkpoint)
        try:
            load_moments(self.optimizer, content['optimizer'])
        except (ValueError, KeyError) as error:
            raise UserError(
                f'{checkpoint} was trained with another optimizer, or with other parameters '
                f'sharing a learning rate (optimizer.paramwise_cfg): {error}'
            ) from error
        self._iter = self._inner_iter = int(content['meta']['iter'])
        self._warn_of_other_batch(content['meta'])
        self._last_saved = self._iter
        carried = {key: content['meta'][key] for key in _CARRIED_ON if key in content['meta']}
        self.meta = {**(self.meta or {}), **carried}
        self._state_before = content.get('training', {})
        restore_training_state(self._state_before, self.precision)
        self.logger.info(f'resumed {checkpoint} at iteration {self.iter}')

    def auto_resume(self, trust: bool = False) -> bool:
        """Continue from the newest whole checkpoint in the work dir, if there is one.

        Damaged files are passed over, each with a notice.

        Args:
            trust: Whether the file may run code, as for `read_checkpoint`.

        Returns:
            Whether there was one.

        Raises:
            UserError: As for `resume`, except that damaged files are no error.
        """
        found = newest_whole_checkpoint(self.work_dir, trust)
        if found is not None:
            self.resume(str(found[0]), trust, found[1])
        return found is not None

    def interruptible(self) -> AbstractContextManager[None]:
        """Return a context that a request to stop leaves at once by `StopRequested`.

        Several processes stay in it to its end, for they wait for each other.
        """
        return self.stop_request.at_once() if world_size() == 1 else nullcontext()

    def _is_asked_to_stop(self) -> bool:
        received = torch.tensor([self.stop_request.received])
        return bool(any_over_processes(received))

    def _save_before_stopping(self) -> None:
        self.is_stopped = True
        if self._last_saved != self.num_done:
            self.save_checkpoint(self.work_dir)

    def _warn_of_other_batch(self, meta: Mapping[str, Any]) -> None:
        before, now = meta.get('global_batch'), (self.meta or {}).get('global_batch')
        if before is not None and now is not None and before != now:
            self.logger.warning(
                f'the run was trained with {before} images a step and goes on with {now}: it will '
                'not be the run that it would have been. To keep it, set data.samples_per_gpu so '
                f'that it makes {before} together with the number of processes'
            )

    def load_checkpoint(
        self, filename: str, trust: bool = False, leave_out: Sequence[str] = (), **_: Any
    ) -> dict[str, Any]:
        """Start from a checkpoint's weights: those of its student, into this model's student.

        Args:
            filename: Path of the file.
            trust: Whether it may run code, as for `read_checkpoint`.
            leave_out: Entries that keep the values they have, as for `load_state_dict`.

        Returns:
            What the file holds.

        Raises:
            UserError: The file can't be read, or the rest of it does not fit the student.
        """
        content = read_checkpoint(filename, trust)
        student = student_of(self.model)
        weights = select_branch(content['state_dict'], 'model')
        try:
            load_state_dict(student, weights, filename, leave_out)
        except UnfitWeightsError as error:
            raise UserError(f'{error}{how_to_leave_out(student, weights, leave_out)}') from error
        without = f' without {", ".join(leave_out)}' if leave_out else ''
        self.logger.info(f'loaded the weights of {filename}{without}')
        return content
