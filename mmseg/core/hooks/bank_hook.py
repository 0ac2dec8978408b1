"""What the instance bank holds, what it waits for and how far it moves, in the logs."""

from typing import Any

import torch
from mmcv.runner import HOOKS, Hook

from mmseg.core.adaptation import bank_of
from mmseg.utils.logger import log_to_file

from .text_logger_hook import TextLoggerHook


@HOOKS.register_module()
class BankHook(Hook):
    """Log the bank's occupancy and drift every `interval` iterations, and what happens to it.

    The drift of a class is the length of what its mean entry m moved by since the time before,
    ‖m − m'‖ / ‖m'‖. The loggers get `bank_filled`, the share of entries that are filled, and
    `bank_drift`, the mean over classes; the JSON log gets both class by class, with the iteration
    since which the instance loss runs (`loss_since`, null while it waits for a full bank) and those
    at which entries were shared out anew (`shared_out`). The log says so when it happens, and which
    classes an unfilled bank waits for.

    It works on models with a `bank`; others are left alone.

    Args:
        interval: Iterations between two records.
    """

    def __init__(self, interval: int = 50) -> None:
        self.interval = interval

    def before_run(self, runner) -> None:
        bank = bank_of(runner.model)
        self.quotas: list[int] = [] if bank is None else bank.quotas

    def after_train_iter(self, runner) -> None:
        bank = bank_of(runner.model)
        if bank is None:
            return
        self._note_events(runner, bank)
        is_last = runner.iter + 1 == runner.max_iters
        if is_last or self.every_n_iters(runner, self.interval):
            self._record(runner, bank)

    def after_run(self, runner) -> None:
        bank = bank_of(runner.model)
        if bank is not None and not bank.is_full and runner.rank == 0:
            runner.logger.warning(
                f'the instance loss never ran, so that this was training without it: '
                f'{_state(runner.model)}'
            )

    def _note_events(self, runner, bank: Any) -> None:
        """Keep in the run's meta data, and so in checkpoints, when what happened."""
        events = runner.meta.setdefault('bank', {'shared_out': [], 'loss_since': None})
        done, before, self.quotas = runner.iter + 1, self.quotas, bank.quotas
        if self.quotas != before:
            events['shared_out'].append(done)
            names = _names(runner.model)
            changes = [
                f'{name} {old} → {new}'
                for name, old, new in zip(names, before, self.quotas, strict=True)
                if old != new
            ]
            runner.logger.info(
                f'instance bank: at iteration {done} unfilled entries were shared out anew: '
                f'{", ".join(changes)}'
            )
        if bank.is_full and events['loss_since'] is None:
            events['loss_since'] = done
            runner.logger.info(f'instance bank: full; the instance loss runs from iteration {done}')

    def _record(self, runner, bank: Any) -> None:
        counts, means = class_means(bank)
        drift = _drift(means, runner.meta.get('bank_means'))
        runner.meta['bank_means'] = means
        moved = drift[drift.isfinite()]
        shares = {'bank_filled': int(counts.sum()) / len(bank.labels)}
        if len(moved):
            shares['bank_drift'] = float(moved.mean())
        runner.log_buffer.update(shares)
        if not bank.is_full:
            log_to_file(runner.logger, f'instance bank: {_state(runner.model)}')
        record = {'counts': counts, 'quotas': list(bank.quotas), 'drift': drift}
        record |= runner.meta['bank']
        for hook in runner.hooks:
            if isinstance(hook, TextLoggerHook):
                hook.write_json({'mode': 'bank', 'iter': runner.iter + 1, **record}, runner)


def _names(model: Any) -> list[str]:
    names, num_classes = list(model.CLASSES or ()), len(model.bank.quotas)
    return names if len(names) == num_classes else [f'class {c}' for c in range(num_classes)]


def _state(model: Any) -> str:
    """Say how full the bank is and what it waits for."""
    counts = class_means(model.bank)[0].tolist()
    waited_for = [
        f'{name} ({count} of {quota})'
        for name, count, quota in zip(_names(model), counts, model.bank.quotas, strict=True)
        if count < quota
    ]
    filled = f'{sum(counts)} of {len(model.bank.labels)} entries are filled'
    return f'{filled}, the others wait for {", ".join(waited_for)}'


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
