"""DIDA on drawn street scenes of 128×64 pixels: a whole run, small enough to be repeated often."""

import json
from pathlib import Path
from typing import Any

from mmseg.experiments.smoke import prepare_smoke_streets, shrink

_BASES = Path(__file__).resolve().parents[1] / 'configs' / '_base_'
_FILES = (
    'datasets/uda_streets_gta_to_streets_cityscapes',
    'models/daformer_conv1_mitb0_ch64',
    'uda/dida',
    'schedules/adamw',
    'schedules/poly10warm',
    'default_runtime',
)


def write_small_run(folder: Path, model: dict[str, Any], **changes: Any) -> Path:
    """Draw the scenes and write the config of a run on crops of 64×64.

    Args:
        folder: Where scenes and config go.
        model: Changes to the network, which has random weights.
        **changes: Changes to the other keys; those to what is shrunk count.

    Returns:
        The config file.
    """
    prepare_smoke_streets(folder)
    config = {
        '_base_': [f'{_BASES / file}.py' for file in _FILES],
        'model': {'pretrained': None, **model},
        'uda': {'instance': {'num_entries': 30, 'update_interval': 3}},
        'optimizer_config': None,
        'seed': 1,
    }
    path = folder / 'run.json'
    path.write_text(json.dumps(config))
    shrink(path, folder)
    shrunk = json.loads(path.read_text())
    shrunk['uda'] |= changes.pop('uda', {})
    shrunk['data'] |= changes.pop('data', {})
    path.write_text(json.dumps(shrunk | changes))
    return path
