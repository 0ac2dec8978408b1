"""Evaluation while training: what a config asks for, checked before the first iteration."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from mmcv.utils import Config
from torch import nn

from mmseg.core.building import call_checked, nearest
from mmseg.core.evaluation import metric_names
from mmseg.core.hooks import EvalHook
from mmseg.datasets import means_for_source
from mmseg.utils.errors import UserError

from .evaluation_examples import Inspector
from .loader import build_test_loader
from .run_datasets import build_run_dataset
from .test import multi_gpu_test, test_for_maps

# mmsegmentation's ways to save memory, which is flat here in any case.
_NEEDLESS = ('pre_eval', 'efficient_test')


class EvaluationSettings(NamedTuple):
    """What `evaluation` of a config asks for.

    Attributes:
        metrics: 'mIoU', 'mDice', 'mFscore', or several of them.
        hook: Arguments of `EvalHook` beside the function that evaluates.
    """

    metrics: list[str]
    hook: dict[str, Any]


def evaluation_settings(cfg: Config, dataset: Any) -> EvaluationSettings:
    """Read and check what a config asks for.

    Args:
        cfg: `evaluation` holds `interval`, `metric` (one or a list) and `save_best`: the metric
            whose best checkpoint is kept, None for none, by default or with 'auto' the first one.
        dataset: The validation set.

    Raises:
        UserError: The set has no labels or class names, or a metric is not known.
    """
    if not dataset.has_labels:
        raise UserError(
            f'the images below {dataset.img_dir} (data.val) have no labels to evaluate with: set '
            'ann_dir of data.val, or train with --no-validate'
        )
    settings = dict(cfg.get('evaluation') or {})
    metrics = metric_names(settings.pop('metric', 'mIoU'))
    if settings.pop('by_epoch', False):
        raise UserError('evaluation.by_epoch: expected False, intervals count iterations here')
    for name in _NEEDLESS:
        settings.pop(name, None)
    best = settings.get('save_best', 'auto')
    settings['save_best'] = metrics[0] if best == 'auto' else best
    side = len(dataset.CLASSES or ()) + 1
    known = dataset.scores_of(torch.zeros(side, side), metrics)
    if settings['save_best'] is not None and settings['save_best'] not in known:
        raise UserError(
            f'evaluation.save_best: no metric {best!r} among those of evaluation.metric='
            f'{metrics}; {nearest(str(best), known)}'
        )
    return EvaluationSettings(metrics, settings)


def build_evaluation_hook(cfg: Config, device: torch.device) -> EvalHook:
    """Build the hook that evaluates on `data.val` while a run trains.

    Args:
        cfg: The run's config, with `work_dir`.
        device: Where the networks are.

    Raises:
        UserError: See `evaluation_settings`.
    """
    means = means_for_source(cfg.data.get('train'))
    dataset = build_run_dataset(cfg, cfg.data.val, {'test_mode': True, 'extra_means': means})
    settings = evaluation_settings(cfg, dataset)
    loader = build_test_loader(dataset, cfg, device)
    inspect = Inspector(dataset, cfg)

    def evaluate(network: nn.Module, name: str) -> Mapping[str, Any]:
        test = test_for_maps if dataset.evaluates_maps else multi_gpu_test
        results = test(network, loader, description=f'testing {name}')
        scores = dataset.evaluate(results, metric=settings.metrics)
        return {**scores, **inspect(network, name), 'confusion': dataset.confusion(results)}

    return call_checked(EvalHook, {'evaluate': evaluate, **settings.hook})
