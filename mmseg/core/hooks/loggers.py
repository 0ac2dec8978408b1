"""mmcv's loggers under their own names, for configs, with what they lack here."""

from typing import Any

import numpy as np
from mmcv.runner import HOOKS
from mmcv.runner import TensorboardLoggerHook as MMCVTensorboardLoggerHook
from mmcv.runner import WandbLoggerHook as MMCVWandbLoggerHook

from mmseg.utils.errors import UserError


class _CountsFinishedIterations:
    """What mmcv's loggers count by: also right before the first iteration of a resumed run."""

    def get_iter(self, runner, inner_iter: bool = False) -> int:
        return runner.num_done


@HOOKS.register_module(force=True)
class TensorboardLoggerHook(_CountsFinishedIterations, MMCVTensorboardLoggerHook):
    """Write losses, metrics, the bank's state and debug panels to `tf_logs` in the work dir.

    Args:
        by_epoch: Accepted as in published configs; steps always count iterations.
        **kwargs: As for mmcv's hook: interval, log_dir.
    """

    def __init__(self, by_epoch: bool = False, **kwargs: Any) -> None:
        super().__init__(by_epoch=False, **kwargs)

    def before_run(self, runner) -> None:
        try:
            super().before_run(runner)
        except ImportError as error:
            raise _not_installed('tensorboard') from error

    def add_picture(self, name: str, picture: np.ndarray, iteration: int) -> None:
        """Write a picture (H, W, 3) of uint8 in RGB."""
        self.writer.add_image(name, picture, iteration, dataformats='HWC')


@HOOKS.register_module(force=True)
class WandbLoggerHook(_CountsFinishedIterations, MMCVWandbLoggerHook):
    """Send losses, metrics and the bank's state to Weights & Biases, or keep them for later.

    Args:
        commit: Whether a step is closed when it is written. W&B drops what is said of a closed
            step, such as the metrics of an evaluation that follows.
        log_artifact: Whether the logs are uploaded at the end.
        by_epoch: Accepted as in published configs; steps always count iterations.
        **kwargs: As for mmcv's hook: interval, init_kwargs.
    """

    def __init__(
        self,
        commit: bool = False,
        log_artifact: bool = False,
        by_epoch: bool = False,
        **kwargs: Any,
    ) -> None:
        try:
            super().__init__(commit=commit, log_artifact=log_artifact, by_epoch=False, **kwargs)
        except ImportError as error:
            raise _not_installed('wandb') from error


def _not_installed(package: str) -> UserError:
    return UserError(
        f'log_config.hooks asks for {package}, which is not installed: pip install {package}, '
        'or take its hook out'
    )
