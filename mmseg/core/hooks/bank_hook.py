"""What the instance bank holds and how far it moves, in the logs."""

from typing import Any

import torch
from mmcv.runner import HOOKS, Hook

from .text_logger_hook import TextLoggerHook


@HOOKS.register_module()
class BankHook(Hook):
    """Log the bank's occupancy and drift every `interval` iterations.

    The drift of a class is the length of what its mean entry m moved by since the time before,
    ‖m − m'‖ / ‖m'‖. The loggers get `bank_filled`, the share of entries that are filled, and
    `bank_drift`, the mean over classes; the JSON log gets both class by class.

    It works on models with a `bank`; others are left alone.

    Args:
        interval: Iterations between two records.
    """

    def __init__(self, interval: int = 50) -> None:
        self.interval = interval

    def after_train_iter(self, runner) -> None:
        bank = getattr(runner.model, 'bank', None)
        is_last = runner.iter + 1 == runner.max_iters
        if bank is None or not (is_last or self.every_n_iters(runner, self.interval)):
            return
        counts, means = class_means(bank)
        drift = _drift(means, runner.meta.get('bank_means'))
        runner.meta['bank_means'] = means
        moved = drift[drift.isfinite()]
        shares = {'bank_filled': int(counts.sum()) / len(bank.labels)}
        if len(moved):
            shares['bank_drift'] = float(moved.mean())
        runner.log_buffer.update(shares)
        record = {'counts': counts, 'quotas': list(bank.quotas), 'drift': drift}
        for hook in runner.hooks:
            if isinstance(hook, TextLoggerHook):
                hook.write_json({'mode': 'bank', 'iter': runner.iter + 1, **record}, runner)


def class_means(bank: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Return how many entries each class has (C,), and their mean (C, D), NaN without any."""
    labels = bank.labels.cpu()
    features = bank.features.detach().float().cpu()[labels >= 0]
    labels = labels[labels >= 0]
    num_classes = len(bank.quotas)
    counts = labels.bincount(minlength=num_classes)
    sums = torch.zeros(num_classes, features.shape[1]).index_add_(0, labels, features)
    return counts, sums / counts[:, None]


def _drift(means: torch.Tensor, before: torch.Tensor | None) -> torch.Tensor:
    """Return the relative movement of each class (C,), NaN where there is nothing to compare."""
    before = torch.full_like(means, torch.nan) if before is None else before
    return (means - before).norm(dim=1) / before.norm(dim=1)
