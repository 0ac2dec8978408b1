"""Checkpoints at intervals, the newest few kept."""

from pathlib import Path

from mmcv.runner import HOOKS, Hook

from mmseg.core.checkpoint_reading import saved_checkpoints
from mmseg.utils.errors import UserError


@HOOKS.register_module(force=True)
class CheckpointHook(Hook):
    """Save every `interval` iterations and after the last one.

    Args:
        interval: Iterations between two checkpoints; below 1 saves after the last one only.
        max_keep_ckpts: How many of the newest to keep; below 1 keeps all.
        save_optimizer: Whether a checkpoint can be resumed from.
        by_epoch: Accepted as in published configs; only False has a meaning here.
    """

    def __init__(
        self,
        interval: int = -1,
        max_keep_ckpts: int = -1,
        save_optimizer: bool = True,
        by_epoch: bool = False,
    ) -> None:
        if by_epoch:
            raise UserError('checkpoint_config: by_epoch=True is not supported, give iterations')
        self.interval = interval
        self.max_keep_ckpts = max_keep_ckpts
        self.save_optimizer = save_optimizer

    def after_train_iter(self, runner) -> None:
        is_last = runner.iter + 1 == runner.max_iters
        if is_last or self.every_n_iters(runner, self.interval):
            runner.save_checkpoint(runner.work_dir, save_optimizer=self.save_optimizer)
            if runner.rank == 0:
                self._forget_old(Path(runner.work_dir))

    def _forget_old(self, folder: Path) -> None:
        if self.max_keep_ckpts < 1:
            return
        own = [path for path in saved_checkpoints(folder) if path.name.startswith('iter_')]
        for path in own[self.max_keep_ckpts :]:
            path.unlink()
