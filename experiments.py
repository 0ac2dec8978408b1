"""The paper's table of contents: each experiment is a list of runs, each run a config.

python experiments.py --list    prints the ids, what each is, and how many runs it has
"""

import argparse
import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mmseg.utils.cli import run_cli
from mmseg.utils.errors import UserError

ConfigDict = dict[str, Any]

# Method -> its file in configs/_base_/uda; source-only training has none.
UDA_BASES = {
    'source-only': None,
    'daformer': 'dacs_a999_fdthings.py',
    'dida': 'dida.py',
}

# (source, target) -> its file in configs/_base_/datasets; `uda_` goes before it in adaptation.
DATASET_BASES = {
    ('gta', 'cityscapes'): 'gta_to_cityscapes_512x512.py',
    ('synthia', 'cityscapes'): 'synthia_to_cityscapes_512x512.py',
    ('streets_gta', 'streets_cityscapes'): 'streets_gta_to_streets_cityscapes.py',
    ('camvid_day', 'camvid_dusk'): 'camvid_day_to_camvid_dusk.py',
}

# Decoder -> its file in configs/_base_/models; the run's encoder replaces the one in the file.
MODEL_BASES = {
    'daformer_sepaspp': 'daformer_sepaspp_mitb5.py',
    'daformer_sepaspp_ch64': 'daformer_sepaspp_mitb0_ch64.py',
    'daformer_conv1_ch64': 'daformer_conv1_mitb0_ch64.py',
}


@dataclass(frozen=True)
class Run:
    """One row of the table: what is trained on what, and how.

    Attributes:
        method: A key of `UDA_BASES`.
        source: The labelled domain.
        target: The domain to adapt to.
        encoder: `mitb0` … `mitb5`.
        decoder: A key of `MODEL_BASES`.
        seed: The run's seed.
        rcs_temperature: Temperature of rare class sampling; None switches it off.
        rcs_min_pixels: Pixels of the rare class that a chosen image holds at least.
        crop_pseudo_labels: Whether the rows over the sky and the bonnet weigh nothing.
        schedule: A file of configs/_base_/schedules, without its suffix.
        learning_rate: AdamW's, for the encoder.
        head_lr_mult: How many times that the head learns.
        samples_per_gpu: Batch size.
        max_iters: Training iterations.
        overrides: Merged into the config last: what this run does unlike the published ones.
    """

    method: str
    source: str = 'gta'
    target: str = 'cityscapes'
    encoder: str = 'mitb5'
    decoder: str = 'daformer_sepaspp'
    seed: int = 0
    rcs_temperature: float | None = None
    rcs_min_pixels: int = 3000
    crop_pseudo_labels: bool = False
    schedule: str = 'poly10warm'
    learning_rate: float = 6e-5
    head_lr_mult: float = 10.0
    samples_per_gpu: int = 2
    max_iters: int = 40000
    overrides: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name_uda(self) -> str:
        """The method with its options, `dida_rcs0.01_cpl` for example."""
        name = self.method
        if self.rcs_temperature is not None:
            name += f'_rcs{self.rcs_temperature}'
        return name + '_cpl' * self.crop_pseudo_labels

    @property
    def name(self) -> str:
        """The run's name, unique within its experiment."""
        name = (
            f'{self.source}2{self.target}_{self.name_uda}'
            f'_{self.decoder}_{self.encoder}_{self.schedule}_s{self.seed}'
        )
        return name.replace('.', '').replace('cityscapes', 'cs').replace('synthia', 'syn')


@dataclass(frozen=True)
class Experiment:
    """What an id of the command line stands for."""

    title: str
    runs: Sequence[Run]


# --- id 0: everything that is tuned for the quick start; its crop: the streets' dataset file ---
QUICK_START_ID = 0
QUICK_START_SCENES = dict(num_source=240, num_target=160, num_val=40, size='512x256', seed=0)
QUICK_START_UDA: ConfigDict = dict(
    alpha=0.99,  # a short run: the teacher must not lag behind by more than it lasts
    pseudo_threshold=0.7,  # from random weights hardly a pixel reaches the published 0.968
    color_jitter_strength=0.5,  # the target is about half as saturated as the source
    imnet_feature_dist_lambda=0,  # the encoder starts from random weights
    debug_img_interval=200,
)
QUICK_START_INSTANCE: ConfigDict = dict(
    num_entries=95,
    momentum=0.9,  # features change fast from random weights: the bank must keep up
    update_interval=1,
)
QUICK_START = Run(
    'source-only',
    source='streets_gta',
    target='streets_cityscapes',
    encoder='mitb0',
    decoder='daformer_conv1_ch64',
    learning_rate=4e-3,
    head_lr_mult=1.0,
    max_iters=700,
    rcs_min_pixels=300,
    overrides=dict(
        model=dict(pretrained=None),
        data=dict(workers_per_gpu=1),
        lr_config=dict(warmup_iters=100),
        checkpoint_config=dict(interval=700, max_keep_ckpts=1),
        evaluation=dict(interval=700),
        log_config=dict(interval=20),
    ),
)

# --- id 9: everything that is tuned for the photographs; its crop: their dataset file ---
PHOTOGRAPHS_UDA: ConfigDict = dict(
    alpha=0.99,  # a short run: the teacher must not lag behind by more than it lasts
    pseudo_threshold=0.7,  # from random weights hardly a pixel reaches the published 0.968
    imnet_feature_dist_lambda=0,  # the encoder starts from random weights
    debug_img_interval=200,
)
PHOTOGRAPHS_INSTANCE: ConfigDict = dict(
    num_entries=110,
    momentum=0.9,  # features change fast from random weights: the bank must keep up
    update_interval=1,
)
PHOTOGRAPHS = Run(
    'source-only',
    source='camvid_day',
    target='camvid_dusk',
    encoder='mitb0',
    decoder='daformer_sepaspp_ch64',
    learning_rate=2e-3,
    head_lr_mult=1.0,
    max_iters=400,
    rcs_min_pixels=300,
    overrides=dict(
        model=dict(pretrained=None),
        data=dict(workers_per_gpu=1),
        lr_config=dict(warmup_iters=100),
        checkpoint_config=dict(interval=400, max_keep_ckpts=1),
        evaluation=dict(interval=400),
        log_config=dict(interval=50),
    ),
)


def _adapted(run: Run, method: str, uda: ConfigDict) -> Run:
    """Return the adaptation run that goes with the source-only `run`."""
    overrides = {**run.overrides, 'uda': uda}
    return replace(run, method=method, rcs_temperature=0.01, overrides=overrides)


def _over_seeds(runs: Sequence[Run], seeds: Sequence[int]) -> list[Run]:
    """Return each run with every seed; runs that differ in the seed alone count as one."""
    distinct: list[Run] = []
    for run in runs:
        if replace(run, seed=0) not in distinct:
            distinct.append(replace(run, seed=0))
    return [replace(run, seed=seed) for run in distinct for seed in seeds]


EXPERIMENTS = {
    QUICK_START_ID: Experiment(
        'quick start: source-only and DIDA on drawn street scenes (no data or GPU needed)',
        [
            QUICK_START,
            _adapted(QUICK_START, 'dida', {**QUICK_START_UDA, 'instance': QUICK_START_INSTANCE}),
        ],
    ),
    7: Experiment(
        'DIDA, GTA to Cityscapes, as in the paper',
        [Run('dida', rcs_temperature=0.01, crop_pseudo_labels=True)],
    ),
    8: Experiment(
        'DIDA, Synthia to Cityscapes, as in the paper',
        [Run('dida', source='synthia', seed=2, rcs_temperature=0.01, crop_pseudo_labels=True)],
    ),
    9: Experiment(
        'source-only, DAFormer and DIDA on the CamVid photographs, day to dusk',
        _over_seeds(
            [
                PHOTOGRAPHS,
                _adapted(PHOTOGRAPHS, 'daformer', PHOTOGRAPHS_UDA),
                _adapted(
                    PHOTOGRAPHS, 'dida', {**PHOTOGRAPHS_UDA, 'instance': PHOTOGRAPHS_INSTANCE}
                ),
            ],
            seeds=(0, 1, 2),
        ),
    ),
}


def generate_experiment_cfgs(id: int, seeds: Sequence[int] | None = None) -> list[ConfigDict]:
    """Return the configs of an experiment, one per run.

    Args:
        id: The experiment's number.
        seeds: Seeds to run each of its settings with; None keeps the seeds it is listed with.

    Returns:
        Plain dicts whose `_base_` files are given from the folder configs/.

    Raises:
        UserError: There is no experiment of that number.
    """
    if id not in EXPERIMENTS:
        raise UserError(
            f'there is no experiment {id}; choose one of {", ".join(map(str, EXPERIMENTS))} '
            '(python experiments.py --list says what they are)'
        )
    runs = EXPERIMENTS[id].runs
    if seeds is not None:
        runs = _over_seeds(runs, seeds)
    return [config_of(run, id) for run in runs]


def config_of(run: Run, experiment: int) -> ConfigDict:
    """Return the config of one run, in the keys and words of the published generator."""
    config: ConfigDict = {
        '_base_': _bases(run),
        'n_gpus': 1,
        'seed': run.seed,
        'model': _model(run),
        'data': _data(run),
        'optimizer': _optimizer(run),
        'runner': {'type': 'IterBasedRunner', 'max_iters': run.max_iters},
        'checkpoint_config': {
            'by_epoch': False,
            'interval': run.max_iters // 25,
            'max_keep_ckpts': 50,
        },
        'evaluation': {'interval': run.max_iters // 25, 'metric': 'mIoU'},
        **_names(run, experiment),
    }
    if UDA_BASES[run.method]:
        config['optimizer_config'] = None
    if run.crop_pseudo_labels:
        config['uda'] = {'pseudo_weight_ignore_top': 15, 'pseudo_weight_ignore_bottom': 120}
    return _merged(config, copy.deepcopy(run.overrides))


def _bases(run: Run) -> list[str]:
    uda_base = UDA_BASES[run.method]
    dataset_base = DATASET_BASES[run.source, run.target]
    files = [
        'default_runtime.py',
        f'models/{MODEL_BASES[run.decoder]}',
        f'datasets/{"uda_" if uda_base else ""}{dataset_base}',
        *([f'uda/{uda_base}'] if uda_base else []),
        'schedules/adamw.py',
        f'schedules/{run.schedule}.py',
    ]
    return [f'_base_/{file}' for file in files]


def _model(run: Run) -> ConfigDict:
    encoder = run.encoder.replace('mitb', 'mit_b')
    return {
        'pretrained': f'pretrained/{encoder}.pth',
        'backbone': {'type': encoder},
        'decode_head': {},
    }


def _data(run: Run) -> ConfigDict:
    train: ConfigDict = {}
    if run.rcs_temperature is not None:
        train['rare_class_sampling'] = {
            'min_pixels': run.rcs_min_pixels,
            'class_temp': run.rcs_temperature,
            'min_crop_ratio': 0.5,
        }
    return {'samples_per_gpu': run.samples_per_gpu, 'workers_per_gpu': 4, 'train': train}


def _optimizer(run: Run) -> ConfigDict:
    custom_keys = {
        'head': {'lr_mult': run.head_lr_mult},
        'pos_block': {'decay_mult': 0.0},
        'norm': {'decay_mult': 0.0},
    }
    return {'lr': run.learning_rate, 'paramwise_cfg': {'custom_keys': custom_keys}}


def _names(run: Run, experiment: int) -> ConfigDict:
    return {
        'name': run.name,
        'exp': experiment,
        'name_dataset': f'{run.source}2{run.target}',
        'name_architecture': f'{run.decoder}_{run.encoder}',
        'name_encoder': run.encoder,
        'name_decoder': run.decoder,
        'name_uda': run.name_uda,
        'name_opt': (
            f'adamw_{run.learning_rate}_pm{run.head_lr_mult > 1}_{run.schedule}'
            f'_1x{run.samples_per_gpu}_{run.max_iters // 1000}k'
        ),
    }


def _merged(base: Mapping[str, Any], overrides: Mapping[str, Any]) -> ConfigDict:
    """Return `base` with `overrides` laid over it, dict by dict."""
    merged = dict(base)
    for key, value in overrides.items():
        both_dicts = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _merged(merged[key], value) if both_dicts else value
    return merged


def main() -> None:
    """Print the experiments."""
    parser = argparse.ArgumentParser(description='What the experiment ids stand for.')
    parser.add_argument('--list', action='store_true', required=True, help='print all experiments')
    parser.parse_args()
    print(f'{"id":>3}  {"runs":>4}  what it is')
    for id, experiment in EXPERIMENTS.items():
        print(f'{id:>3}  {len(experiment.runs):>4}  {experiment.title}')


if __name__ == '__main__':
    run_cli(main)
