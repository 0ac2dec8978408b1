"""The paper's table of contents: each experiment is a list of runs, each run a config."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mmseg.utils.errors import UserError
from mmseg.utils.programs import how_to_call

from . import studies
from .configs import ConfigDict, Run, config_of
from .photographs import (
    DUSK,
    GAME,
    SEARCHED,
    STREETS,
    WEEDS,
    runs_in_two_stages,
    runs_of_pair,
    runs_with_target_labels,
)


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
    debug_img_interval=200,
)
QUICK_START_INSTANCE: ConfigDict = dict(
    num_entries=95,
    momentum=0.9,  # a short run: the bank must keep up
    update_interval=1,
    form='softmax',
    temperature=0.1,
    smoothing=0.9,
    pixel_weights='pseudo_label',  # while few labels are sure, few instances are
)
QUICK_START = Run(
    'source-only',
    source='streets_gta',
    target='streets_cityscapes',
    encoder='effnetlite0',
    decoder='daformer_conv1_ch64',
    learning_rate=5e-4,
    head_lr_mult=3.0,
    max_iters=800,
    rcs_min_pixels=200,
    overrides=dict(
        data=dict(workers_per_gpu=1),
        lr_config=dict(warmup_iters=100),
        checkpoint_config=dict(interval=800, max_keep_ckpts=1),
        evaluation=dict(interval=400),
        log_config=dict(interval=20),
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


_PUBLISHED_BANK = '(paper: tools/build_instance_bank.py, uda.instance.bank_file)'
EXPERIMENTS = {
    QUICK_START_ID: Experiment(
        'quick start: source-only and DIDA on drawn street scenes (no data or GPU needed)',
        [
            QUICK_START,
            _adapted(QUICK_START, 'dida', {**QUICK_START_UDA, 'instance': QUICK_START_INSTANCE}),
        ],
    ),
    1: Experiment('encoders and decoders', studies.encoders_and_decoders()),
    2: Experiment('encoders and decoders exchanged', studies.exchanged_parts()),
    3: Experiment('sizes of the encoder', studies.encoder_sizes()),
    4: Experiment('no warm-up of the learning rate', studies.without_warmup()),
    5: Experiment('rare class sampling and feature distance', studies.training_steps()),
    6: Experiment('decoders of DAFormer', studies.decoders()),
    7: Experiment(
        f'DIDA, GTA to Cityscapes, untrained bank {_PUBLISHED_BANK}',
        [Run('dida', rcs_temperature=0.01, crop_pseudo_labels=True)],
    ),
    8: Experiment(
        f'DIDA, Synthia to Cityscapes, untrained bank {_PUBLISHED_BANK}',
        [Run('dida', source='synthia', seed=2, rcs_temperature=0.01, crop_pseudo_labels=True)],
    ),
    9: Experiment(
        'photographs, every method: CamVid, day to dusk',
        runs_of_pair(**DUSK, max_iters=900),
    ),
    10: Experiment('DIDA: entries of the bank', studies.ablation('bank')),
    11: Experiment('DIDA: what the bank follows', studies.ablation('vectors')),
    12: Experiment('DIDA: smoothing of the pseudo labels', studies.ablation('smoothing')),
    13: Experiment('DIDA: form and temperature of the similarity', studies.ablation('form')),
    14: Experiment("DIDA: interval of the bank's updates", studies.ablation('interval')),
    15: Experiment('DIDA: weight of the instance loss', studies.ablation('lambda')),
    16: Experiment('Cityscapes to ACDC and to Dark Zurich', studies.bad_weather_and_night()),
    17: Experiment('DIDA: pixels that the instance loss counts', studies.ablation('pixels')),
    18: Experiment(
        'photographs, every method: rendered streets to CamVid by day',
        runs_of_pair(**GAME),
    ),
    19: Experiment(
        'photographs, every method: crop and weed, colour to near infrared',
        runs_of_pair(**WEEDS),
    ),
    20: Experiment(
        'DIDA on DINOv2 and DINOv3, GTA to Cityscapes and Cityscapes to ACDC',
        studies.foundation_encoders(),
    ),
    21: Experiment(
        'photographs: what a few labels of the target buy, CamVid, day to dusk',
        runs_with_target_labels(**DUSK),
    ),
    22: Experiment(
        'GTA and Synthia to Cityscapes and ACDC, measured on both and on each',
        studies.several_sources_and_targets(),
    ),
    23: Experiment(
        'in two stages, DAFormer and DIDA: drawn street scenes', runs_in_two_stages(**STREETS)
    ),
    24: Experiment(
        'in two stages, drawn street scenes: the search for dida_plus',
        runs_in_two_stages(**STREETS, methods=SEARCHED, seeds=(0, 1, 2)),
    ),
    25: Experiment(
        'in two stages, DAFormer and DIDA: CamVid, day to dusk', runs_in_two_stages(**DUSK)
    ),
    26: Experiment(
        'in two stages, DAFormer and DIDA: rendered streets to CamVid by day',
        runs_in_two_stages(**GAME),
    ),
    27: Experiment(
        'in two stages, DAFormer and DIDA: crop and weed, colour to near infrared',
        runs_in_two_stages(**WEEDS),
    ),
    28: Experiment('drawn street scenes, every method', runs_of_pair(**STREETS)),
    40: Experiment('HRDA, GTA and Synthia to Cityscapes', studies.hrda()),
    41: Experiment(
        'HRDA with DeepLabv2, DACS and DAFormer (AdvSeg and MinEnt are not built)',
        studies.hrda_on_other_methods(),
    ),
    42: Experiment('DAFormer: crop sizes', studies.hrda_crop_sizes()),
    43: Experiment(
        "crop sizes on the target's own labels", studies.hrda_crop_sizes_of_target_only()
    ),
    44: Experiment('HRDA: crops, attention, losses and scales', studies.hrda_scale_attention()),
    49: Experiment('HRDA, Cityscapes to ACDC and to Dark Zurich', studies.hrda_in_bad_weather()),
    80: Experiment('MIC on HRDA, all four pairs', studies.mic()),
    81: Experiment(
        'MIC on other methods (AdvSeg and MinEnt are not built)', studies.mic_on_other_methods()
    ),
    82: Experiment('MIC: domains that are masked', studies.mic_domains()),
    83: Experiment('MIC: its parts', studies.mic_parts()),
    84: Experiment('MIC: block size and ratio', studies.mic_blocks()),
    85: Experiment('MIC: supervised, without adaptation', studies.mic_supervised()),
    86: Experiment(
        'DIDA with MIC, with HRDA and with both, GTA and Synthia', studies.dida_on_mic_and_hrda()
    ),
    100: Experiment('two iterations of every network', studies.all_networks_shortly()),
    101: Experiment('two iterations of every method', studies.all_methods_shortly()),
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
            f'({how_to_call("experiments.py", "--list")} says what they are)'
        )
    runs = EXPERIMENTS[id].runs
    if seeds is not None:
        runs = _over_seeds(runs, seeds)
    return [config_of(run, id) for run in runs]
