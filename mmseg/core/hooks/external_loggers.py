"""mmcv's loggers under their own names, for configs, with what they lack here."""

from importlib import import_module
from typing import Any

import numpy as np
from mmcv.runner import HOOKS, Hook
from mmcv.runner import ClearMLLoggerHook as MMCVClearMLLoggerHook
from mmcv.runner import DvcliveLoggerHook as MMCVDvcliveLoggerHook
from mmcv.runner import MlflowLoggerHook as MMCVMlflowLoggerHook
from mmcv.runner import NeptuneLoggerHook as MMCVNeptuneLoggerHook
from mmcv.runner import PaviLoggerHook as MMCVPaviLoggerHook
from mmcv.runner import SegmindLoggerHook as MMCVSegmindLoggerHook
from mmcv.runner import TensorboardLoggerHook as MMCVTensorboardLoggerHook
from mmcv.runner import WandbLoggerHook as MMCVWandbLoggerHook

from mmseg.utils.errors import UserError

from .text_logger_hook import refuse_epochs


class _Logger(Hook):
    """What all of mmcv's loggers need: their package, and steps that count iterations.

    Args:
        by_epoch: Accepted as in published configs; only False has a meaning here.
        **kwargs: As for mmcv's hook.
    """

    needed = ''  # the module that is imported, so that it is missed before training starts
    package = ''  # what pip calls it

    def __init__(self, by_epoch: bool = False, **kwargs: Any) -> None:
        refuse_epochs(type(self).__name__, by_epoch)
        try:
            import_module(self.needed)
            super().__init__(by_epoch=False, **kwargs)
        except ImportError as error:
            raise UserError(
                f'log_config.hooks: {type(self).__name__} needs {self.package}, which is not '
                f'installed ({error}): pip install {self.package}, or take the hook out'
            ) from error

    def get_iter(self, runner, inner_iter: bool = False) -> int:
        """Count finished iterations, also right before the first one of a resumed run."""
        return runner.num_done


@HOOKS.register_module(force=True)
class TensorboardLoggerHook(_Logger, MMCVTensorboardLoggerHook):
    """Write losses, metrics, the bank's state and debug panels to `tf_logs` in the work dir.

    What an earlier part of the run wrote of iterations that are done again is not shown.

    Args:
        **kwargs: As for mmcv's hook: interval, log_dir.
    """

    needed, package = 'torch.utils.tensorboard', 'tensorboard'
    writer: Any

    def before_run(self, runner) -> None:
        super().before_run(runner)
        if runner.rank == 0 and runner.iter > 0:
            self.writer.close()
            writer = import_module(self.needed).SummaryWriter
            self.writer = writer(self.log_dir, purge_step=runner.iter + 1)

    def add_picture(self, name: str, picture: np.ndarray, iteration: int) -> None:
        """Write a picture (H, W, 3) of uint8 in RGB."""
        self.writer.add_image(name, picture, iteration, dataformats='HWC')


@HOOKS.register_module(force=True)
class WandbLoggerHook(_Logger, MMCVWandbLoggerHook):
    """Send losses, metrics and the bank's state to Weights & Biases, or keep them for later.

    Args:
        commit: Whether a step is closed when it is written. W&B drops what is said of a closed
            step, such as the metrics of an evaluation that follows.
        log_artifact: Whether the logs are uploaded at the end.
        **kwargs: As for mmcv's hook: interval, init_kwargs.
    """

    needed, package = 'wandb', 'wandb'

    def __init__(self, commit: bool = False, log_artifact: bool = False, **kwargs: Any) -> None:
        super().__init__(commit=commit, log_artifact=log_artifact, **kwargs)


@HOOKS.register_module(force=True)
class MlflowLoggerHook(_Logger, MMCVMlflowLoggerHook):
    """Send losses, metrics and the bank's state to MLflow.

    Args:
        log_model: Whether the model goes there too at the end, as a pickle; the work dir's
            checkpoints say more.
        **kwargs: As for mmcv's hook: interval, exp_name, tags, params.
    """

    needed, package = 'mlflow', 'mlflow'

    def __init__(self, log_model: bool = False, **kwargs: Any) -> None:
        super().__init__(log_model=log_model, **kwargs)


@HOOKS.register_module(force=True)
class NeptuneLoggerHook(_Logger, MMCVNeptuneLoggerHook):
    """Send losses, metrics and the bank's state to Neptune.

    Args:
        **kwargs: As for mmcv's hook: interval, init_kwargs, with_step.
    """

    # mmcv calls what Neptune's client had before version 1.
    needed, package = 'neptune.new', 'neptune-client'


@HOOKS.register_module(force=True)
class ClearMLLoggerHook(_Logger, MMCVClearMLLoggerHook):
    """Send losses, metrics and the bank's state to ClearML.

    Args:
        **kwargs: As for mmcv's hook: interval, init_kwargs.
    """

    needed, package = 'clearml', 'clearml'


@HOOKS.register_module(force=True)
class DvcliveLoggerHook(_Logger, MMCVDvcliveLoggerHook):
    """Keep losses, metrics and the bank's state with DVCLive.

    Args:
        **kwargs: As for mmcv's hook: interval, dvclive, and what `dvclive.Live` takes.
    """

    needed, package = 'dvclive', 'dvclive'


@HOOKS.register_module(force=True)
class SegmindLoggerHook(_Logger, MMCVSegmindLoggerHook):
    """Send losses, metrics and the bank's state to Segmind."""

    needed, package = 'segmind', 'segmind'


@HOOKS.register_module(force=True)
class PaviLoggerHook(_Logger, MMCVPaviLoggerHook):
    """Send losses and metrics to Pavi, a service inside SenseTime."""

    needed, package = 'pavi', 'pavi'
