"""The report as one HTML file that needs nothing but a browser."""

import base64
import functools
import gzip
import importlib.resources
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from mmseg.core.examples import coloured_uri, errors, shaded
from mmseg.utils.atomic import atomic_path

from . import calibration_figures, choosing_figures, class_figures, training_figures
from .drawing import Figure, Shown, shown
from .facts import (
    config_differences,
    facts_of,
    missing_parts,
    subtitle_of,
    table_of_classes,
    tiles,
    title_of,
)
from .run import Run, labels_of, read_run

REPORT = 'report.html'
_LABELS, _ERRORS, _DOUBT = 'labels', 'errors of ', 'doubt: '
_ASSETS = Path(__file__).parent / 'assets'


def write_report(
    work_dirs: Sequence[str | Path], path: str | Path, baseline: str | Path | None = None
) -> Path:
    """Write the report of a run, or a comparison of several.

    Args:
        work_dirs: Folders of the runs, finished or not.
        path: The HTML file; it is whole at any time.
        baseline: Work dir of the source-only run that classes are compared with.

    Returns:
        The file.

    Raises:
        UserError: A folder holds no run.
    """
    runs = [read_run(Path(folder)) for folder in work_dirs]
    page = render(runs, None if baseline is None else read_run(Path(baseline)))
    with atomic_path(path) as temporary:
        temporary.write_text(page, encoding='utf-8')
    return Path(path)


def render(runs: Sequence[Run], baseline: Run | None = None) -> str:
    """Return the page of one or several runs.

    Args:
        runs: At least one.
        baseline: The source-only run that classes are compared with.
    """
    parts = shown(runs, labels_of(runs))
    sections = _sections(parts, baseline)
    examples = _examples(parts)
    kept = next((s.run.examples for s in parts if s.run.examples), None)
    return _template().render(
        title=title_of(parts),
        subtitle=subtitle_of(parts),
        runs=parts,
        tiles={s.label: tiles(s.run) for s in parts},
        sections=sections,
        class_table=table_of_classes(parts, baseline),
        examples=examples,
        layers=_layers(examples),
        legend=list(zip(kept.classes, kept.palette, strict=True)) if kept else [],
        facts={s.label: facts_of(s.run) for s in parts},
        configs={s.label: json.dumps(s.run.config, indent=2) for s in parts},
        differences=config_differences(parts),
        missing=missing_parts(parts),
        figures=_script_json([figure.as_json() for _, group in sections for figure in group]),
        style=Markup((_ASSETS / 'page.css').read_text(encoding='utf-8')),
        script=Markup((_ASSETS / 'page.js').read_text(encoding='utf-8')),
        plotly=_plotly(),
    )


def _sections(runs: Sequence[Shown], baseline: Run | None) -> list[tuple[str, list[Figure]]]:
    sections = [
        (
            'Training',
            [
                *training_figures.scores(runs),
                *training_figures.losses(runs),
                *training_figures.learning_rate(runs),
            ],
        ),
        ('Classes', class_figures.class_bars(runs, baseline)),
        ('Classes over iterations', class_figures.class_curves(runs)),
        ('Confusion', class_figures.confusion(runs)),
        ('Calibration', calibration_figures.calibration(runs)),
        ('Scores without labels', choosing_figures.scores_without_labels(runs)),
        ('Pseudo labels', training_figures.pseudo_labels(runs)),
        ('Instance bank', class_figures.bank(runs)),
        ('Speed and memory', training_figures.speed(runs)),
    ]
    return [(title, figures) for title, figures in sections if figures]


def _examples(runs: Sequence[Shown]) -> list[dict[str, Any]]:
    """Return the images of all runs with the layers that can be laid over them."""
    pages: dict[str, dict[str, Any]] = {}
    for s in runs:
        if s.run.examples is None:
            continue
        palette = s.run.examples.palette
        for item in s.run.examples.items:
            page = pages.setdefault(
                item.name, {'name': item.name, 'image': item.image, 'layers': {}}
            )
            names = {network: s.style(network)['name'] for network in item.predictions}
            for network, pred in item.predictions.items():
                page['layers'][names[network]] = coloured_uri(pred, palette)
            page['layers'][_LABELS] = coloured_uri(item.labels, palette)
            for network, pred in item.predictions.items():
                page['layers'][_ERRORS + names[network]] = errors(pred, item.labels)
            for kind, values in item.uncertainty.items():
                before = _DOUBT if s.is_alone else f'{_DOUBT}{s.label}, '
                page['layers'][f'{before}{kind}'] = shaded(values)
    return list(pages.values())


def _layers(examples: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names of all layers: predictions, then labels, errors, uncertainty."""
    names = dict.fromkeys(layer for example in examples for layer in example['layers'])
    return sorted(
        names,
        key=lambda name: (name.startswith(_DOUBT), name.startswith(_ERRORS), name == _LABELS),
    )


@functools.cache
def _template() -> Any:
    loader = FileSystemLoader(_ASSETS)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    environment.trim_blocks = environment.lstrip_blocks = True
    return environment.get_template('page.html')


@functools.cache
def _plotly() -> str:
    """Return plotly's script, packed: it is most of the page."""
    source = importlib.resources.files('plotly') / 'package_data' / 'plotly.min.js'
    return base64.b64encode(gzip.compress(source.read_bytes(), mtime=0)).decode()


def _script_json(value: Sequence[Mapping[str, Any]]) -> Markup:
    """Return JSON that can stand inside a script element."""
    return Markup(json.dumps(value, allow_nan=False).replace('<', '\\u003c'))
