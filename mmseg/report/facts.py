"""What a report says in words and tables."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mmseg.utils.progress import format_seconds

from .drawing import Shown
from .run import Run

_NOT_RECORDED = '-'
# They differ between any two runs, and say nothing about what was done.
_NOT_COMPARED = ('work_dir', 'name', 'git_rev')


def title_of(runs: Sequence[Shown]) -> str:
    """Return what the page is called."""
    if len(runs) > 1:
        return f'{len(runs)} runs compared'
    config = runs[0].run.config
    method, data = config.get('name_uda'), config.get('name_dataset')
    return f'{method}, {data.replace("2", " → ", 1)}' if method and data else runs[0].run.name


def subtitle_of(runs: Sequence[Shown]) -> str:
    """Return the line below the title."""
    if len(runs) > 1:
        return ', '.join(s.label for s in runs)
    run = runs[0].run
    parts = [run.name, f'seed {run.facts.get("seed", _NOT_RECORDED)}']
    return ' · '.join([*parts, 'finished' if run.result else 'not at its end'])


def facts_of(run: Run) -> list[tuple[str, str]]:
    """Return what a run stood on: (name, value)."""
    facts = {'work dir': str(run.folder), 'seed': run.facts.get('seed')}
    facts |= {'device': run.facts.get('device'), **run.facts.get('environment', {})}
    facts.setdefault('git revision', run.facts.get('git_revision'))
    plugins = (run.config.get('custom_imports') or {}).get('imports') or []
    if plugins:
        facts['plug-ins'] = plugins if isinstance(plugins, str) else ', '.join(plugins)
    return [(name, str(value)) for name, value in facts.items() if value is not None]


def tiles(run: Run) -> list[tuple[str, str, str]]:
    """Return the figures at the top of the page: (caption, value, unit)."""
    done, total = run.iterations
    result = run.result or {}
    scores = [
        (f'{score} {network}', _percent(run.mean(score[1:], network)), '%')
        for score in run.scores
        for network in run.networks
    ]
    seconds = sorted(value for _, value in run.curves.get('time', []))
    speed = f'{seconds[len(seconds) // 2]:.3f}' if seconds else _NOT_RECORDED
    took, memory = result.get('seconds'), result.get('peak_memory_gb')
    return [
        *scores,
        ('iterations', f'{done}' if total is None else f'{done} / {total}', ''),
        ('per iteration', speed, 's'),
        ('total time', _NOT_RECORDED if took is None else format_seconds(took), ''),
        ('peak memory', _NOT_RECORDED if memory is None else f'{memory:.2f}', 'GiB'),
    ]


def table_of_classes(runs: Sequence[Shown], baseline: Run | None) -> dict[str, Any] | None:
    """Return the last IoU, and its like, of each class; None before an evaluation.

    Returns:
        'title', 'columns', 'rows' and 'means'.
    """
    groups = [
        (s.style(network)['name'], s.run, network) for s in runs for network in s.run.networks
    ]
    if baseline is not None and baseline.networks:
        groups.append(('source-only', baseline, 'student'))
    if not groups:
        return None
    kinds = list(dict.fromkeys(k for _, run, network in groups for k in run.kinds(network)))
    cells = [
        (*group, kind) for group in groups for kind in kinds if kind in group[1].kinds(group[2])
    ]
    columns = [run.class_values(network, kind) for _, run, network, kind in cells]
    names = dict.fromkeys(name for column in columns for name in column)
    is_one = len(kinds) == 1
    return {
        'title': kinds[0] if is_one else 'Scores',
        'mean': f'm{kinds[0]}' if is_one else 'mean',
        'columns': [name if is_one else f'{name} {kind}' for name, _, _, kind in cells],
        'rows': [(name, [_percent(c.get(name)) for c in columns]) for name in names],
        'means': [_percent(run.mean(kind, network)) for _, run, network, kind in cells],
    }


def config_differences(runs: Sequence[Shown]) -> list[tuple[str, list[str]]]:
    """Return the settings in which the runs differ: (key, value of each run)."""
    flat = [_flat(s.run.config) for s in runs]
    keys = dict.fromkeys(key for settings in flat for key in settings)
    table = [
        (key, [settings.get(key, _NOT_RECORDED) for settings in flat])
        for key in keys
        if key not in _NOT_COMPARED
    ]
    return [(key, values) for key, values in table if len(set(values)) > 1]


def missing_parts(runs: Sequence[Shown]) -> list[str]:
    """Say what a report lacks because its runs did not record it."""
    return [sentence for s in runs for sentence in _missing(s.run, '' if s.is_alone else s.label)]


def _missing(run: Run, label: str) -> list[str]:
    metrics = run.evaluations[-1] if run.evaluations else {}
    is_uda = 'pseudo_weight' in run.curves
    has_bank = bool((run.config.get('uda') or {}).get('instance'))
    lacks = {
        'scores: no evaluation yet': not run.evaluations,
        'the confusion matrix: not in the log': bool(run.evaluations)
        and 'confusion' not in metrics[run.networks[0]],
        "the accuracy of the teacher's confident pixels: not in the log": is_uda
        and bool(run.evaluations)
        and 'confident_acc' not in metrics.get('teacher', {}),
        'the instance bank: not in the log': has_bank and not run.bank,
        'examples: none were kept': run.examples is None,
        'the command: not in the log': 'command' not in run.facts,
        'the config: none in the work dir': not run.config,
        'total time and peak memory: the run has not ended': run.result is None,
    }
    before = f'{label}: ' if label else ''
    return [before + sentence for sentence, is_so in lacks.items() if is_so]


def _flat(config: Mapping[str, Any], before: str = '') -> dict[str, str]:
    """Return the settings of a config by dotted keys, as JSON."""
    flat: dict[str, str] = {}
    for key, value in config.items():
        if isinstance(value, Mapping) and value:
            flat |= _flat(value, f'{before}{key}.')
        else:
            flat[before + key] = json.dumps(value, ensure_ascii=False)
    return flat


def _percent(value: float | None) -> str:
    return _NOT_RECORDED if value is None else f'{value:.2f}'
