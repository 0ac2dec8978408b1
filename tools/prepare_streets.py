"""The drawn street scenes of the quick start, from nothing to what training reads."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmseg.datasets.street_scenes import write_street_scenes

ROOT = Path(__file__).resolve().parents[1]
LAYOUTS = ('gta', 'cityscapes')


def prepare_streets(scenes: Mapping[str, Any]) -> None:
    """Draw the scenes and convert their labels, as far as that is not done yet.

    Args:
        scenes: Arguments of `write_street_scenes`.
    """
    num_processes = os.cpu_count() or 1
    root = Path(scenes['root'])
    print(f'street scenes in {root}: drawing and converting what is missing', flush=True)
    write_street_scenes(**scenes, nproc=num_processes, layouts=LAYOUTS)
    for layout in LAYOUTS:
        convert(layout, root / layout, num_processes)


def convert(layout: str, folder: Path, num_processes: int) -> None:
    """Run a dataset's converter.

    Args:
        layout: Name of the converter, `gta` for example.
        folder: The dataset.
        num_processes: How many processes to share the work.

    Raises:
        SystemExit: The converter failed, with its exit code.
    """
    module = f'tools.convert_datasets.{layout}'
    command = [sys.executable, '-m', module, str(folder.resolve()), '--nproc', str(num_processes)]
    exit_code = subprocess.run(command, cwd=ROOT).returncode
    if exit_code:
        raise SystemExit(exit_code)
