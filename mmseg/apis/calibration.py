"""How well a network's probabilities tell how often it is right, on a labelled data set."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import torch

from mmseg.apis.loader import DeviceLoader
from mmseg.apis.memory import TESTING_KNOBS, explained_memory
from mmseg.core.evaluation.calibration import Calibration
from mmseg.core.evaluation.class_names import IGNORE_INDEX
from mmseg.utils.figures import save_figure
from mmseg.utils.progress import track

_COVERAGES = (0.5, 0.8, 1.0)


def measure_calibration(model: Any, loader: DeviceLoader) -> Calibration:
    """Count how often a network is right at which confidence.

    Args:
        model: Segmentor.
        loader: From `build_test_loader`, with labels.
    """
    model.eval()
    found = Calibration(model.num_classes, IGNORE_INDEX)
    with torch.inference_mode(), explained_memory(loader.device, TESTING_KNOBS):
        for batch in track(loader, 'calibration'):
            for lines, probs in model.probability_strips(batch['img'], batch['img_metas']):
                found.add(probs, batch['labels'][:, lines])
    return found


def summary_line(calibration: Calibration) -> str:
    """Put error, likelihood and Brier score into a line."""
    return (
        f'ECE {calibration.expected_error():.1%}, NLL {calibration.nll:.3f}, '
        f'Brier score {calibration.brier:.3f}'
    )


def calibration_table(calibration: Calibration, classes: Sequence[str]) -> str:
    """Lay out the calibration of the predictions of each class, and of all.

    Args:
        calibration: What was counted.
        classes: Names (C).

    Returns:
        A line for each class that is predicted: expected calibration error, mean confidence,
        share that is right, and the share that is wrong of the surest 50, 80 and 100 %.
    """
    heads = ['ECE', 'sure', 'right', *(f'risk {share:.0%}' for share in _COVERAGES)]
    width = max(len('all pixels'), *map(len, classes))
    rows: list[tuple[str, int | None]] = [(name, c) for c, name in enumerate(classes)]
    lines = [_row('predicted', heads, width), '-' * (width + 10 * len(heads))]
    for name, predicted in [*rows, ('all pixels', None)]:
        bins = calibration.reliability(predicted=predicted)
        if not bins.share.any():
            continue
        coverage, risk = calibration.risk_coverage(predicted)
        at = torch.searchsorted(coverage, torch.tensor(_COVERAGES).double() - 1e-9)
        values = [
            calibration.expected_error(predicted=predicted),
            float((bins.share * bins.confidence).sum()),
            float((bins.share * bins.accuracy).sum()),
            *risk[at.clamp(max=len(risk) - 1)].tolist(),
        ]
        lines.append(_row(name, [f'{100 * value:.1f} %' for value in values], width))
    return '\n'.join(lines)


def draw_calibration(calibration: Calibration, path: str | Path) -> None:
    """Draw reliability diagram and risk-coverage curve into a picture file."""
    bins = calibration.reliability()
    is_there = bins.share > 0
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.6), layout='constrained')
    left.plot([0, 100], [0, 100], '--', color='gray', linewidth=1)
    left.bar(
        ((torch.arange(len(bins.share))[is_there] + 0.5) * 100 / len(bins.share)).numpy(),
        (100 * bins.accuracy[is_there]).numpy(),
        width=100 / len(bins.share),
        color='#93c5fd',
        edgecolor='white',
    )
    left.plot(100 * bins.confidence[is_there], 100 * bins.accuracy[is_there], 'o-', color='#1e3a8a')
    left.set(xlabel='confidence in %', ylabel='right in %', xlim=(0, 100), ylim=(0, 100))
    left.set_title(f'reliability: ECE {calibration.expected_error():.1%}')
    coverage, risk = calibration.risk_coverage()
    known = coverage > 0
    right.plot(100 * coverage[known], 100 * risk[known], color='#1e3a8a')
    right.set(xlabel='pixels kept, the surest first, in %', ylabel='wrong in %', xlim=(0, 100))
    right.set_ylim(bottom=0)
    right.set_title('risk and coverage')
    save_figure(figure, path)
    plt.close(figure)


def _row(name: str, cells: Sequence[str], width: int) -> str:
    return f'{name:<{width}}' + ''.join(f'{cell:>10}' for cell in cells)
