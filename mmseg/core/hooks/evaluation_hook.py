"""Evaluation during training: student and teacher, the best checkpoint kept."""

import math
import os
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import torch
from mmcv.runner import HOOKS, Hook, IterTimerHook, LoggerHook
from torch import nn

from mmseg.core.adaptation import AdaptationMethod, student_of
from mmseg.core.checkpoint_reading import iteration_of
from mmseg.core.evaluation.percent import NOTHING_LABELLED, metrics_table, scores_in_percent
from mmseg.core.module_modes import in_eval_mode
from mmseg.utils.atomic import atomic_path
from mmseg.utils.distributed import any_over_processes
from mmseg.utils.errors import UserError
from mmseg.utils.logger import log_to_file
from mmseg.utils.overrides import RefusesOverrides
from mmseg.utils.stop_request import StopRequested

from .text_logger_hook import TextLoggerHook

Evaluator = Callable[[nn.Module, str], Mapping[str, Any]]


@HOOKS.register_module(force=True)
class EvalHook(RefusesOverrides, Hook):
    """Evaluate every `interval` iterations and after the last one.

    The student is evaluated, and the teacher where the model has one (`get_ema_model`). The
    per-class table goes to the log file, one line to the screen, all values to the JSON log.

    Args:
        evaluate: Maps (network, name of what is evaluated) to metrics as fractions, and what else
            the JSON log is to hold.
        interval: Iterations between two evaluations; below 1 evaluates after the last only.
        save_best: Metric of the student whose best checkpoint is kept, or None.
    """

    NEVER_CALLED: ClassVar[Mapping[str, str]] = {
        'evaluate': 'override evaluate of the data set',
        **dict.fromkeys(
            ('_do_evaluate', '_should_evaluate', '_save_ckpt', 'after_train_epoch'),
            'override is_due or after_train_iter',
        ),
    }

    def __init__(
        self, evaluate: Evaluator, interval: int = -1, save_best: str | None = 'mIoU'
    ) -> None:
        self.evaluate = evaluate
        self.interval = interval
        self.save_best = save_best
        self.latest: dict[str, Mapping[str, Any]] = {}

    def is_due(self, runner) -> bool:
        """Tell whether this iteration is followed by an evaluation."""
        done = runner.num_done
        return done >= runner.max_iters or (self.interval > 0 and done % self.interval == 0)

    def before_run(self, runner) -> None:
        if 'best' in runner.meta:
            self._find_best(runner)
        # A checkpoint may be older than its evaluation, which may have been cut short since.
        if runner.iter > 0 and runner.meta.get('evaluated') != runner.iter:
            self.after_train_iter(runner)

    def after_train_iter(self, runner) -> None:
        if not self.is_due(runner):
            # every hook has seen the last evaluation: those before this one in this iteration
            runner.log_buffer.output.evaluated = {}
            return
        try:
            with runner.interruptible():
                self.latest = {
                    name: self._evaluate_one(runner, name, network)
                    for name, network in _networks(runner.model).items()
                }
        except StopRequested:
            return
        runner.meta['evaluated'] = runner.num_done
        self._report(runner)
        runner.log_buffer.output.evaluated = self.latest['student']
        if self.save_best is not None:
            self._keep_best(runner, self.save_best)
        _restart_timers(runner)

    def _evaluate_one(self, runner, name: str, network: nn.Module) -> Mapping[str, Any]:
        with in_eval_mode(network):
            metrics = self.evaluate(network, name)
        log_to_file(runner.logger, f'{name}:\n{metrics_table(metrics)}')
        return metrics

    def _report(self, runner) -> None:
        done = runner.num_done
        line = [f'{done}/{runner.max_iters} evaluated:']
        for name, metrics in self.latest.items():
            scores = scores_in_percent(metrics).items()
            line += [name, *(f'{key} {"-" if value is None else value}' for key, value in scores)]
        runner.logger.info(' '.join(line))
        if math.isnan(self.latest['student'].get('aAcc', 0)):
            runner.logger.warning(f'nothing could be evaluated: {NOTHING_LABELLED}')
        for hook in runner.hooks:
            if isinstance(hook, TextLoggerHook):
                hook.log_evaluation(done, self.latest, runner)
            elif isinstance(hook, LoggerHook):
                _log_scalars(hook, self.latest, runner)

    def _find_best(self, runner) -> None:
        """Take up the best checkpoint of a resumed run; without its file the next one is the best.

        A run that goes back may have deleted it for one that is not of this branch.
        """
        folder, best = Path(runner.work_dir), runner.meta['best']
        numbered = folder / f'iter_{iteration_of(folder / best["file"])}.pth'
        if runner.rank == 0 and not (folder / best['file']).is_file() and numbered.is_file():
            _link_or_copy(numbered, folder / best['file'])
        is_here = torch.tensor([runner.rank == 0 and (folder / best['file']).is_file()])
        if not any_over_processes(is_here):
            runner.logger.info(f'{best["file"]} is not in {folder}: the best is looked for anew')
            del runner.meta['best']

    def _keep_best(self, runner, metric: str) -> None:
        if metric not in self.latest['student']:
            known = ', '.join(sorted(self.latest['student']))
            raise UserError(f'evaluation.save_best: no metric {metric!r}; there are {known}')
        score = float(self.latest['student'][metric])
        best = runner.meta.get('best') or {}
        if best.get('metric', metric) != metric:  # the run went on with another one
            best = {}
        if not score > best.get('score', -1.0):
            return
        folder, name = Path(runner.work_dir), f'best_{metric}_iter_{runner.num_done}.pth'
        runner.meta['best'] = {'score': score, 'file': name, 'metric': metric}
        numbered = folder / f'iter_{runner.num_done}.pth'
        if not any_over_processes(torch.tensor([runner.rank == 0 and numbered.is_file()])):
            runner.save_checkpoint(str(folder), filename=name)
        elif runner.rank == 0:
            _link_or_copy(numbered, folder / name)
        if best.get('file') not in (None, name) and runner.rank == 0:
            (folder / best['file']).unlink(missing_ok=True)


def _log_scalars(hook: LoggerHook, metrics: Mapping[str, Mapping[str, Any]], runner) -> None:
    """Hand single numbers to a logger of mmcv as it takes those of validation."""
    buffer = runner.log_buffer
    before = runner.mode, buffer.output, buffer.ready
    runner.mode = 'val'
    buffer.output = {
        f'{name}/{key}': value
        for name, values in metrics.items()
        for key, value in values.items()
        if isinstance(value, float)
    }
    hook.log(runner)
    runner.mode, buffer.output, buffer.ready = before


def _networks(model: nn.Module) -> dict[str, nn.Module]:
    student = student_of(model)
    teacher = model.get_ema_model() if isinstance(model, AdaptationMethod) else None
    return {'student': student} if teacher is None else {'student': student, 'teacher': teacher}


def _link_or_copy(source: Path, target: Path) -> None:
    with atomic_path(target) as temporary:
        try:
            os.link(source, temporary)
        except OSError:
            shutil.copyfile(source, temporary)


def _restart_timers(runner) -> None:
    """Keep the time spent here out of the next iteration's."""
    for hook in runner.hooks:
        if isinstance(hook, IterTimerHook):
            hook.t = time.time()
