"""The programs of this project: what `dida` calls them, and how a user and a process start them."""

import ast
import shlex
import sys
from collections.abc import Sequence

from .command import python_here
from .places import HOME, IS_INSTALLED

# Group → command → file. A command has the name of its file, but where a shorter one is as clear.
GROUPS = {
    'train': {
        'train': 'tools/train.py',
        'run': 'run_experiments.py',
        'experiments': 'experiments.py',
        'adapt': 'tools/adapt.py',
    },
    'use a trained network': {
        'test': 'tools/test.py',
        'demo': 'tools/demo.py',
        'image-demo': 'demo/image_demo.py',
        'web': 'demo/web.py',
        'calibrate': 'tools/calibrate.py',
        'choose': 'tools/choose.py',
        'suggest-labels': 'tools/suggest_labels.py',
        'export-annotations': 'tools/export_annotations.py',
        'export-onnx': 'tools/export_onnx.py',
        'publish-model': 'tools/publish_model.py',
    },
    'look at configs, data and runs': {
        'check': 'tools/check.py',
        'check-labels': 'tools/check_labels.py',
        'print-config': 'tools/print_config.py',
        'browse-dataset': 'tools/browse_dataset.py',
        'get-param-count': 'tools/get_param_count.py',
        'report': 'tools/report.py',
        'compare': 'tools/compare.py',
        'analyze-logs': 'tools/analyze_logs.py',
        'replay-batch': 'tools/replay_batch.py',
    },
    'make data, weights and banks': {
        'convert gta': 'tools/convert_datasets/gta.py',
        'convert synthia': 'tools/convert_datasets/synthia.py',
        'convert cityscapes': 'tools/convert_datasets/cityscapes.py',
        'convert weeds': 'tools/convert_datasets/weeds.py',
        'convert custom': 'tools/convert_datasets/custom.py',
        'convert annotations': 'tools/convert_datasets/annotations.py',
        'make-street-scenes': 'tools/make_street_scenes.py',
        'cache-resized': 'tools/cache_resized.py',
        'download-checkpoints': 'tools/download_checkpoints.py',
        'convert-weights': 'tools/convert_weights/segformer_hf.py',
        'build-instance-bank': 'tools/build_instance_bank.py',
        'create-buffer': 'create_buffer.py',
    },
    'measure': {
        'benchmark': 'tools/benchmark.py',
        'estimate-memory': 'tools/estimate_memory.py',
        'gpu-check': 'tools/gpu_check.py',
        'compare-methods': 'tools/compare_methods.py',
        'draw-label-curve': 'tools/draw_label_curve.py',
        'measure-adapting': 'tools/measure_adapting.py',
        'measure-choosing': 'tools/measure_choosing.py',
        'measure-similarity': 'tools/measure_similarity.py',
        'measure-uncertainty': 'tools/measure_uncertainty.py',
    },
}
PROGRAMS = {name: file for group in GROUPS.values() for name, file in group.items()}
_NAMES = {file: name for name, file in PROGRAMS.items()}


def how_to_call(file: str, *arguments: str, script: str | None = None) -> str:
    """Return how a user starts a program, for a shell.

    Args:
        file: The program's, counted from the checkout's folder.
        *arguments: Its arguments.
        script: Shell script of a checkout that starts it.

    Returns:
        Such as `python tools/train.py c.py`, `sh demo.sh c.py` or, where the project is installed
        as a package, `dida train c.py`.
    """
    if IS_INSTALLED:
        called = f'dida {_NAMES[file]}'
    else:
        called = f'sh {script}' if script else f'{python_here()} {file}'
    return ' '.join([called, *map(shlex.quote, arguments)])


def process_of(file: str) -> list[str]:
    """Return the words that start a program as a process of its own, in `places.WORKSPACE`."""
    if IS_INSTALLED:  # no `-m`: it would look for code in that folder first
        return [sys.executable, str(HOME / file)]
    return [sys.executable, '-m', file.removesuffix('.py').replace('/', '.')]


def overview(names: Sequence[str] = tuple(PROGRAMS)) -> str:
    """Return the names of programs, group by group, each with what its file says it does."""
    width = 2 + max(map(len, names))
    blocks = []
    for group, programs in GROUPS.items():
        lines = [
            f'  {name:{width}}{purpose_of(file)}'
            for name, file in programs.items()
            if name in names
        ]
        if lines:
            blocks.append('\n'.join([f'{group}:', *lines]))
    return '\n\n'.join(blocks)


def purpose_of(file: str) -> str:
    """Return the first line of a program's documentation, without an example that ends it."""
    text = ast.get_docstring(ast.parse((HOME / file).read_text(encoding='utf-8'))) or ''
    return text.split('\n')[0].partition(': python')[0].partition(': see')[0].rstrip('.')
