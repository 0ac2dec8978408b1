"""What is handed to a person in the end: a network that can be used, and what it sees."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mmseg.apis import Segmenter, init_segmentor, load_config
from mmseg.core.checkpoint_reading import read_checkpoint
from mmseg.core.publishing import published
from mmseg.report import REPORT, write_report
from mmseg.selection.calibration import scale_logits, temperature_on_target
from mmseg.selection.ranking import Candidate
from mmseg.selection.runs import BRANCHES
from mmseg.utils.atomic import atomic_path
from mmseg.utils.errors import UserError
from mmseg.utils.places import WORKSPACE
from mmseg.utils.programs import how_to_call, process_of

from .judging import ADAPT, SOURCE_ONLY, checkpoint_of
from .pictures import Picture
from .plan import Layout
from .predictions import write_predictions
from .telling import Told

WEIGHTS = 'adapted.pth'


def write_network(
    layout: Layout, candidate: Candidate, num_shown: int, device: torch.device, tell: Told
) -> None:
    """Calibrate a network on the target and write `adapted.pth`, a checkpoint to be given away.

    Args:
        layout: Where the trainings are.
        candidate: The network.
        num_shown: How many target images its temperature is fitted to.
        device: Where networks run.
        tell: Told the temperature.
    """
    cfg, path = load_config(layout.config(ADAPT)), checkpoint_of(layout, candidate)
    model = init_segmentor(cfg, path, device, BRANCHES[candidate.branch])
    meta = dict(read_checkpoint(path).get('meta') or {})
    try:
        temperature, num_images = temperature_on_target(model, cfg, num_shown)
        scale_logits(model, 1 / temperature)
        meta['temperature'] = temperature
        tell(f'calibrated: temperature {temperature:.2f}, of {num_images} target images')
    except UserError as error:
        tell(f'not calibrated: {error}')
    write_weights(model, meta, layout.root / WEIGHTS)


def write_weights(model: nn.Module, meta: Mapping[str, Any], path: Path) -> None:
    """Write a network and its meta data as a checkpoint to be given away."""
    state = {key: value.cpu() for key, value in model.state_dict().items()}
    with atomic_path(path) as temporary:
        temporary.write_bytes(published({'meta': meta, 'state_dict': state}, 'model'))


def write_onnx(config: Path, weights: Path, tell: Told) -> None:
    """Export a network as an ONNX file beside its weights, or tell why not: it can be done without.

    Args:
        config: Its config.
        weights: Its file.
        tell: Told why there is no ONNX file.
    """
    path = weights.with_suffix('.onnx')
    command = [*process_of('tools/export_onnx.py'), str(config), str(weights)]
    command += ['--out', str(path)]
    done = subprocess.run(command, cwd=WORKSPACE, capture_output=True, text=True)
    if done.returncode:
        lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
        reason = lines[-1].removeprefix('error: ') if lines else f'exit code {done.returncode}'
        tell(f'{path.name} is left out: {reason}')


def write_results(
    layout: Layout, pictures: Sequence[Picture], device: torch.device, tell: Told
) -> None:
    """Write predictions of all target pictures by `adapted.pth`, and the report.

    Args:
        layout: Where the trainings are.
        pictures: Of the target.
        device: Where networks run.
        tell: Told which pictures could not be read.
    """
    cfg = load_config(layout.config(ADAPT))
    model = init_segmentor(cfg, layout.root / WEIGHTS, device)
    left_out = write_predictions(Segmenter(model), pictures, layout.root)
    tell(f'predictions: {len(pictures) - len(left_out)} of {len(pictures)} pictures')
    tell(*(f'left out: {line}' for line in left_out))
    write_report([layout.run(ADAPT)], layout.root / REPORT, layout.run(SOURCE_ONLY))


def how_to_use(out: Path) -> str:
    """Return the command that shows the network another image."""
    files = str(out / 'adapt.json'), str(out / WEIGHTS)
    return how_to_call('tools/demo.py', *files, 'IMAGE', script='demo.sh')
