"""The training loop: mmcv's, with atomic checkpoints, exact counting and autocast."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from mmcv.runner import RUNNERS
from mmcv.runner import IterBasedRunner as MMCVIterBasedRunner

from mmseg.utils.errors import UserError
from mmseg.utils.logger import log_to_file

from .checkpoint import (
    load_state_dict,
    read_checkpoint,
    save_checkpoint,
    select_branch,
)

_AUTOCAST_TYPES = {'bf16': torch.bfloat16}


@RUNNERS.register_module(force=True)
class IterBasedRunner(MMCVIterBasedRunner):
    """Train a model for a number of iterations; the name is mmcv's, so that configs find it.

    Args:
        device: Where the model is.
        amp: None for float32, 'bf16' for autocast to bfloat16 in the training step.
        **kwargs: As for mmcv's runner: model, optimizer, work_dir, logger, meta, max_iters.
    """

    meta: dict[str, Any] | None

    def __init__(self, device: torch.device, amp: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if amp is not None and amp not in _AUTOCAST_TYPES:
            raise UserError(f'amp: expected null or {sorted(_AUTOCAST_TYPES)}, got {amp!r}')
        self.device = device
        self.autocast_type = None if amp is None else _AUTOCAST_TYPES[amp]

    def train(self, data_loader: Any, **kwargs: Any) -> None:
        """Run one iteration."""
        self.model.train()
        self.mode = 'train'
        self.data_batch = next(data_loader)
        self.call_hook('before_train_iter')
        with torch.autocast(
            self.device.type, self.autocast_type, enabled=self.autocast_type is not None
        ):
            self.outputs = self.model.train_step(self.data_batch, self.optimizer, **kwargs)
        self.log_buffer.update(self.outputs['log_vars'], self.outputs['num_samples'])
        self.call_hook('after_train_iter')
        del self.data_batch
        self._inner_iter += 1
        self._iter += 1

    def run(self, data_loader: Any, **kwargs: Any) -> None:
        """Train until `max_iters`.

        Args:
            data_loader: Batches, beginning with that of iteration `self.iter`.
            **kwargs: Handed to the model's `train_step`.
        """
        remaining = self.max_iters - self.iter
        if remaining <= 0:
            self.logger.info(f'nothing left to train: {self.iter} of {self.max_iters} are done')
            return
        self.logger.info(f'training from iteration {self.iter} to {self.max_iters}')
        log_to_file(self.logger, f'hooks:\n{self.get_hook_info()}')
        self.data_loader = data_loader  # loggers of mmcv ask for its length
        self.call_hook('before_run')
        self.call_hook('before_train_epoch')
        batches = iter(data_loader)
        for _ in range(remaining):
            self.train(batches, **kwargs)
        self.call_hook('after_run')

    def save_checkpoint(
        self, out_dir: str, filename: str | None = None, save_optimizer: bool = True
    ) -> Path:
        """Save everything that a resumed run needs; `meta['iter']` counts finished iterations.

        Args:
            out_dir: Folder to save in.
            filename: Name of the file, by default `iter_<finished iterations>.pth`.
            save_optimizer: Whether the optimizer's state goes along.

        Returns:
            Path of the file.
        """
        done = self.iter + 1
        path = Path(out_dir) / (filename or f'iter_{done}.pth')
        meta = {**(self.meta or {}), 'iter': done, 'epoch': 0}
        optimizer = self.optimizer if save_optimizer else None
        save_checkpoint(self.model, path, optimizer, meta, link_latest=filename is None)
        return path

    def resume(self, checkpoint: str, **_: Any) -> None:
        """Continue from a checkpoint of this model: weights, optimizer and iteration.

        Args:
            checkpoint: Path of a file that `save_checkpoint` wrote.

        Raises:
            UserError: The file is missing, of another model, or holds no training state.
        """
        content = read_checkpoint(checkpoint)
        if 'optimizer' not in content or 'iter' not in content.get('meta', {}):
            raise UserError(
                f'{checkpoint} holds weights only, no optimizer and iteration to resume from; '
                'use --load-from to start from its weights'
            )
        load_state_dict(self.model, select_branch(content['state_dict'], None), checkpoint)
        try:
            self.optimizer.load_state_dict(content['optimizer'])
        except (ValueError, KeyError) as error:
            raise UserError(f'{checkpoint} was trained with another optimizer: {error}') from error
        self._iter = self._inner_iter = int(content['meta']['iter'])
        self._warn_of_other_batch(content['meta'])
        if 'best' in content['meta']:
            self.meta = {**(self.meta or {}), 'best': content['meta']['best']}
        self.logger.info(f'resumed {checkpoint} at iteration {self.iter}')

    def _warn_of_other_batch(self, meta: Mapping[str, Any]) -> None:
        before, now = meta.get('global_batch'), (self.meta or {}).get('global_batch')
        if before is not None and now is not None and before != now:
            self.logger.warning(
                f'the run was trained with {before} images a step and goes on with {now}: it will '
                'not be the run that it would have been. To keep it, set data.samples_per_gpu so '
                f'that it makes {before} together with the number of processes'
            )

    def load_checkpoint(self, filename: str, **_: Any) -> dict[str, Any]:
        """Start from a checkpoint's weights: those of its student, into this model's student."""
        content = read_checkpoint(filename)
        student = self.model.get_model() if hasattr(self.model, 'get_model') else self.model
        load_state_dict(student, select_branch(content['state_dict'], 'model'), filename)
        self.logger.info(f'loaded the weights of {filename}')
        return content
