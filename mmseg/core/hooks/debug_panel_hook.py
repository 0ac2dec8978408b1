"""A sheet of pictures every n iterations that shows what self-training is doing."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmcv.runner import HOOKS, Hook

from mmseg.core.adaptation import AdaptationMethod, Bank
from mmseg.core.visualization import (
    bar_chart,
    captioned,
    coloured,
    denormalize,
    grid,
    heat_map,
    legend,
    save_picture,
)

from .external_loggers import TensorboardLoggerHook

_IMAGES = {'source': 'source', 'target': 'target', 'weak': 'target, weak', 'mixed': 'mixed'}
_LABELS = {
    'source_label': 'source label',
    'pseudo_label': 'pseudo label',
    'mixed_label': 'mixed label',
}
_CHART_HEIGHT = 90


@HOOKS.register_module()
class DebugPanelHook(Hook):
    """Write `debug/<iteration>.png`: views, labels, weights of a batch, and the bank.

    It works on methods of adaptation; other models are left alone.

    Args:
        interval: Iterations between two sheets; below 1 draws none.
        classes: Class names (C).
        palette: Colours (C, 3).
        num_images: Images of the batch to show.
    """

    def __init__(
        self,
        interval: int,
        classes: Sequence[str],
        palette: Sequence[Sequence[int]],
        num_images: int = 2,
    ) -> None:
        self.interval = interval
        self.classes = list(classes)
        self.palette = palette
        self.num_images = num_images

    def before_train_iter(self, runner) -> None:
        if isinstance(runner.model, AdaptationMethod):
            runner.model.capture_panels = self._is_due(runner)

    def after_train_iter(self, runner) -> None:
        model = runner.model
        if not isinstance(model, AdaptationMethod) or runner.rank != 0:
            return
        if not self._is_due(runner) or model.panels is None:
            return
        norm_cfg = runner.data_batch['img_metas'][0]['img_norm_cfg']
        sheet = self.draw(model.panels, norm_cfg, model.bank)
        save_picture(sheet, Path(runner.work_dir) / 'debug' / f'{runner.iter + 1:06d}.png')
        for hook in runner.hooks:
            if isinstance(hook, TensorboardLoggerHook):
                hook.add_picture('debug', sheet, runner.iter + 1)

    def draw(
        self,
        panels: Mapping[str, torch.Tensor],
        norm_cfg: Mapping[str, Any],
        bank: Bank | None = None,
    ) -> np.ndarray:
        """Draw the sheet.

        Args:
            panels: Images (B, 3, H, W) normalised, labels (B, 1, H, W) or (B, H, W), and
                `pseudo_weight` (B, H, W) in [0, 1].
            norm_cfg: `mean`, `std` and `to_rgb` of the normalisation.
            bank: Instance bank with `labels` (N,), below 0 where unfilled, and `quotas` (C);
                None where there is none.

        Returns:
            A picture (H', W', 3).
        """
        arrays = {name: tensor.detach().cpu().numpy() for name, tensor in panels.items()}
        num_images = min(self.num_images, len(next(iter(arrays.values()))))
        rows = [self._row(arrays, index, norm_cfg) for index in range(num_images)]
        width = grid(rows[:1]).shape[1] - 8
        rows.append([legend(self.classes, self.palette, width)])
        if bank is not None:
            rows.append([self._occupancy(bank, width)])
        return grid(rows)

    def _is_due(self, runner) -> bool:
        return self.interval > 0 and runner.iter % self.interval == 0

    def _row(
        self, arrays: Mapping[str, np.ndarray], index: int, norm_cfg: Mapping[str, Any]
    ) -> list[np.ndarray]:
        mean, std, to_rgb = norm_cfg['mean'], norm_cfg['std'], norm_cfg['to_rgb']
        row = [
            captioned(denormalize(arrays[name][index], mean, std, to_rgb), text)
            for name, text in _IMAGES.items()
            if name in arrays
        ]
        for name, text in _LABELS.items():
            if name in arrays:
                labels = arrays[name][index].reshape(arrays[name].shape[-2:])
                row.append(captioned(coloured(labels, self.palette), text))
        if 'pseudo_weight' in arrays:
            weight = arrays['pseudo_weight'][index]
            row.append(captioned(heat_map(weight), f'weight, mean {weight.mean():.2f}'))
        return row

    def _occupancy(self, bank: Bank, width: int) -> np.ndarray:
        labels = bank.labels.detach().cpu().numpy()
        num_classes = len(self.classes)
        counts = np.bincount(labels[labels >= 0], minlength=num_classes)[:num_classes]
        quotas = list(bank.quotas)
        chart = bar_chart(counts.tolist(), quotas, self.palette, (_CHART_HEIGHT, width))
        return captioned(chart, f'bank: {counts.sum()} of {len(labels)} entries filled')
