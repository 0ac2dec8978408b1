"""The drawn street scenes of the quick start, from nothing to what training reads."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmseg.utils.places import WORKSPACE
from mmseg.utils.programs import process_of

LAYOUTS = ('gta', 'cityscapes')


def prepare_streets(
    root: str | Path, scenes: Mapping[str, Any], layouts: Sequence[str] = LAYOUTS
) -> None:
    """Draw the scenes and convert their labels, as far as that is not done yet.

    Args:
        root: Where the layouts go.
        scenes: Options of tools/make_street_scenes.py, `num_source` and so on.
        layouts: The data sets to draw.

    Raises:
        SystemExit: One of the tools failed, with its exit code.
    """
    num_processes = f'--nproc={os.cpu_count() or 1}'
    print(f'street scenes in {root}: drawing and converting what is missing', flush=True)
    options = [f'--{name.replace("_", "-")}={value}' for name, value in scenes.items()]
    run_tool('tools/make_street_scenes.py', root, *options, num_processes, '--layouts', *layouts)
    for layout in layouts:
        run_tool(f'tools/convert_datasets/{layout}.py', Path(root) / layout, num_processes)


def run_tool(file: str, root: str | Path, *options: str) -> None:
    """Run a tool on a folder; its exit code is ours where it fails."""
    command = [*process_of(file), str(Path(root).resolve()), *options]
    exit_code = subprocess.run(command, cwd=WORKSPACE).returncode
    if exit_code:
        raise SystemExit(exit_code)
