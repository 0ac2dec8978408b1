"""Evaluation while training: what a config asks for, checked before the first iteration."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from mmcv.utils import Config
from torch import nn

from mmseg.core.adaptation import Bank
from mmseg.core.evaluation import metric_names
from mmseg.core.hooks import EvalHook
from mmseg.core.settings import EvaluationSettings
from mmseg.datasets import means_for_source
from mmseg.utils.errors import UserError, nearest

from .evaluation_examples import Inspector
from .loader import build_test_loader
from .run_datasets import build_run_dataset
from .test import multi_gpu_test, test_for_maps


def evaluation_settings(cfg: Config, dataset: Any) -> EvaluationSettings:
    """Read and check what a config asks for.

    Args:
        cfg: The run's config, of which `evaluation` counts.
        dataset: The validation set.

    Returns:
        The settings, `metric` as a list, and in `save_best` what 'auto' stands for.

    Raises:
        UserError: The set has no labels or class names, or a metric is not known.
    """
    if not dataset.has_labels:
        raise UserError(
            f'the images below {dataset.img_dir} (data.val) have no labels to evaluate with: set '
            'ann_dir of data.val, or train with --no-validate'
        )
    EvaluationSettings.refuse_unknown(cfg)
    settings = EvaluationSettings.of(cfg)
    metrics = metric_names(settings.metric)
    if settings.by_epoch:
        raise UserError('evaluation.by_epoch: expected False, intervals count iterations here')
    best = metrics[0] if settings.save_best == 'auto' else settings.save_best
    side = len(dataset.CLASSES or ()) + 1
    known = dataset.scores_of(torch.zeros(side, side), metrics)
    if best is not None and best not in known:
        raise UserError(
            f'evaluation.save_best: no metric {best!r} among those of evaluation.metric='
            f'{metrics}; {nearest(best, known)}'
        )
    return replace(settings, metric=metrics, save_best=best)


def build_evaluation_hook(cfg: Config, device: torch.device, bank: Bank | None = None) -> EvalHook:
    """Build the hook that evaluates on `data.val` while a run trains.

    Args:
        cfg: The run's config, with `work_dir`.
        device: Where the networks are.
        bank: The run's instance bank, if it has one.

    Raises:
        UserError: See `evaluation_settings`.
    """
    means = means_for_source(cfg.data.get('train'))
    dataset = build_run_dataset(cfg, cfg.data.val, {'test_mode': True, 'extra_means': means})
    settings = evaluation_settings(cfg, dataset)
    loader = build_test_loader(dataset, cfg, device)
    inspect = Inspector(dataset, cfg, bank)

    def evaluate(network: nn.Module, name: str) -> Mapping[str, Any]:
        test = test_for_maps if dataset.evaluates_maps else multi_gpu_test
        results = test(network, loader, description=f'testing {name}')
        scores = dataset.evaluate(results, metric=settings.metric)
        return {**scores, **inspect(network, name), 'confusion': dataset.confusion(results)}

    return EvalHook(evaluate, settings.interval, settings.save_best)
