"""Every config file, completed to a config that describes a run."""

import json
from pathlib import Path

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
BASES = CONFIGS / '_base_'
GENERATED = CONFIGS / 'generated'

# Parts, which several files stand on, are tried with those.
FILES = sorted(
    path
    for path in CONFIGS.rglob('*.py')
    if GENERATED not in path.parents and path.parent.name != 'parts'
)
# What stands in for the kinds of base files that a config lacks.
NETWORK = 'models/daformer_sepaspp_mitb0.py'
DATA = 'datasets/gta_to_cityscapes_512x512.py'
ADAPTATION_DATA = 'datasets/uda_gta_to_cityscapes_512x512.py'
ADAPTATION = 'uda/dacs.py'
OPTIMIZER = 'schedules/adamw.py'
LEARNING_RATES = 'schedules/poly10.py'


def name_of(path: Path) -> str:
    """Return the path of a config file as seen from configs/."""
    return path.relative_to(CONFIGS).with_suffix('').as_posix()


def write_composed(path: Path, folder: Path) -> Path:
    """Write a config that stands on `path` and on what it lacks of a run.

    Args:
        path: A config file, of a whole run or a base file.
        folder: Where to write.

    Returns:
        The config file written.
    """
    config: dict = {'_base_': [str(path)]}
    if BASES in path.parents:
        config = {
            '_base_': [str(BASES / base) for base in _bases_around(path)],
            'runner': {'type': 'IterBasedRunner', 'max_iters': 40000},
            'checkpoint_config': {'by_epoch': False, 'interval': 1600},
            'evaluation': {'interval': 1600, 'metric': 'mIoU'},
        }
    written = folder / f'{path.stem}.json'
    written.write_text(json.dumps(config))
    return written


def _bases_around(path: Path) -> list[str]:
    own, kind = f'{path.parent.name}/{path.name}', path.parent.name
    adapts = kind == 'uda' or path.name.startswith('uda_')
    bases = {
        'runtime': 'default_runtime.py',
        'models': NETWORK,
        'datasets': ADAPTATION_DATA if adapts else DATA,
        **({'uda': ADAPTATION} if adapts else {}),
        'optimizer': OPTIMIZER,
        'rates': LEARNING_RATES,
    }
    if kind == 'schedules':
        kind = 'rates' if 'lr_config' in path.read_text() else 'optimizer'
    if path.parent == BASES:
        own, kind = path.name, 'runtime'
    return list({**bases, kind: own}.values())
