"""Everything that the processes of a run hold in common stays common."""

import torch
from mmcv.runner import HOOKS, Hook
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmseg.core.fingerprint import check_alike
from mmseg.utils.distributed import mean_over_processes


@HOOKS.register_module()
class ProcessesHook(Hook):
    """Average BatchNorm's running statistics after every step; compare all states now and then.

    With it a checkpoint of the first process is the state of every process. It belongs before the
    hooks that save and evaluate.

    Args:
        interval: Iterations between two comparisons; below 1 compares at the start only.
    """

    def __init__(self, interval: int = 500) -> None:
        self.interval = interval

    def before_run(self, runner) -> None:
        check_alike(runner.model.state_dict(), runner.device, runner.iter)

    def after_train_iter(self, runner) -> None:
        average_statistics(runner.model)
        if self.every_n_iters(runner, self.interval):
            check_alike(runner.model.state_dict(), runner.device, runner.iter + 1)


@torch.no_grad()
def average_statistics(model: nn.Module) -> None:
    """Set running means and variances of plain BatchNorm to their means over the processes.

    SyncBN needs none of this. The variance leaves out how far the processes' means lie apart.

    Args:
        model: Any network; its statistics are changed in place.
    """
    statistics = [
        buffer
        for module in model.modules()
        if isinstance(module, _BatchNorm) and not isinstance(module, nn.SyncBatchNorm)
        for buffer in (module.running_mean, module.running_var)
        if buffer is not None
    ]
    if statistics:
        mean = mean_over_processes(torch.cat(statistics))
        torch._foreach_copy_(statistics, list(mean.split([len(s) for s in statistics])))
