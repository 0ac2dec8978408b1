"""What a run of the experiments is, and the config that it becomes."""

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mmseg.utils.errors import UserError

from .hrda import split_decoder, two_scales, windows
from .models import ENCODERS, known, model_config, model_of

ConfigDict = dict[str, Any]

# Method -> its file in configs/_base_/uda; training without adaptation has none.
TARGET_ONLY = 'target-only'
PHOTOMETRIC = 'source-only_photometric'
WITHOUT_ADAPTATION = ('source-only', PHOTOMETRIC, TARGET_ONLY)
UDA_BASES = {
    **dict.fromkeys(WITHOUT_ADAPTATION),
    'dacs': 'dacs.py',
    'dacs_fd': 'dacs_fd.py',
    'dacs_fdthings': 'dacs_fdthings.py',
    'dacs_a999_fdthings': 'dacs_a999_fdthings.py',
    'dacs_srconly': 'dacs_srconly.py',
    'daformer': 'dacs_a999_fdthings.py',
    'dida': 'dida.py',
    'dida_plus': 'dida_plus.py',
    'mic': 'mic.py',
    'dida_mic': 'dida_mic.py',
}

# (source, target) -> its file in configs/_base_/datasets; `uda_` goes before it in adaptation.
DATASET_BASES = {
    ('gta', 'cityscapes'): 'gta_to_cityscapes_512x512.py',
    ('synthia', 'cityscapes'): 'synthia_to_cityscapes_512x512.py',
    ('cityscapes', 'cityscapes'): 'cityscapes_to_cityscapes_512x512.py',
    ('cityscapes', 'acdc'): 'cityscapes_to_acdc_512x512.py',
    ('cityscapes', 'darkzurich'): 'cityscapes_to_darkzurich_512x512.py',
    ('urbansyn', 'cityscapes'): 'urbansyn_to_cityscapes_512x512.py',
    ('cityscapes', 'bdd100k'): 'cityscapes_to_bdd100k_512x512.py',
    ('gta_synthia', 'cityscapes_acdc'): 'gta_synthia_to_cityscapes_acdc_512x512.py',
    ('streets_gta', 'streets_cityscapes'): 'streets_gta_to_streets_cityscapes.py',
    ('gtaHR', 'cityscapesHR'): 'gtaHR_to_cityscapesHR_1024x1024.py',
    ('synthiaHR', 'cityscapesHR'): 'synthiaHR_to_cityscapesHR_1024x1024.py',
    ('cityscapesHR', 'acdcHR'): 'cityscapesHR_to_acdcHR_1024x1024.py',
    ('cityscapesHR', 'darkzurichHR'): 'cityscapesHR_to_darkzurichHR_1024x1024.py',
    ('camvid_day', 'camvid_dusk'): 'camvid_day_to_camvid_dusk.py',
    ('game', 'camvid'): 'game_to_camvid.py',
    ('weeds_rgb', 'weeds_nir'): 'weeds_rgb_to_nir.py',
}
# Target -> the file that trains on its own labels.
TARGET_BASES = {
    'cityscapes': 'cityscapes_half_512x512.py',
    'camvid_dusk': 'camvid_dusk.py',
    'camvid': 'camvid.py',
    'weeds_nir': 'weeds_nir.py',
    'streets_cityscapes': 'streets_cityscapes.py',
}
# (source, target) -> the file whose source is trained on in distorted colours.
PHOTOMETRIC_BASES = {
    ('streets_gta', 'streets_cityscapes'): 'streets_gta_to_streets_cityscapes_photometric.py',
    ('camvid_day', 'camvid_dusk'): 'camvid_day_to_camvid_dusk_photometric.py',
    ('game', 'camvid'): 'game_to_camvid_photometric.py',
    ('weeds_rgb', 'weeds_nir'): 'weeds_rgb_to_nir_photometric.py',
}

# Target -> the folder of the labels of its training images, where they may be learnt from.
LABEL_FOLDERS = {
    'camvid_dusk': 'gtFine/train',
    'camvid': 'labels/train',
    'weeds_nir': 'labels/train',
}

# Ablation of DIDA -> what it changes in `uda.instance`.
BANK_SIZES = (50, 100, 200, 300, 400, 500)
VECTORS = ('mean', 'boundary', 'mean+boundary')
SMOOTHINGS = (1.0, 0.95, 0.9, 0.8, 0.5)
TEMPERATURES = (0.05, 0.1, 0.2, 0.5, 1.0)
UPDATE_INTERVALS = (1, 10, 50, 100, 500)
PIXEL_WEIGHTS = ('uniform', 'pseudo_label')
LOSS_WEIGHTS = (0.0, 0.1, 0.25, 0.5, 1.0, 2.0)
# Where the search for `dida_plus` begins, and what its variants change in that.
SEARCH_START: ConfigDict = {
    'form': 'softmax',
    'temperature': 0.1,
    'pixel_weights': 'pseudo_label',
}
SEARCH: dict[str, ConfigDict] = {
    'start': {},
    'uniform': {'pixel_weights': 'uniform'},
    'lambda-2': {'loss_weight': 2.0},
    'smoothing-0.9': {'smoothing': 0.9},
    'smoothing-0.5': {'smoothing': 0.5},
    'smoothing-0.3': {'smoothing': 0.3},
    # Smoothing having done most, the rest beside it.
    'half-lambda-0': {'smoothing': 0.5, 'loss_weight': 0.0},
    'half-temperature-0.05': {'smoothing': 0.5, 'temperature': 0.05},
    'half-temperature-0.2': {'smoothing': 0.5, 'temperature': 0.2},
    'half-images': {'smoothing': 0.5, 'follows': 'image'},
    'half-boundary': {'smoothing': 0.5, 'vectors': 'mean+boundary'},
    'half-slow': {'smoothing': 0.5, 'momentum': 0.999},
    'half-slow-ramp': {'smoothing': 0.5, 'momentum': 0.999, 'momentum_ramps': True},
    'half-slow-late': {'smoothing': 0.5, 'momentum': 0.999, 'fill_from': 50},
}
ABLATIONS: dict[str, ConfigDict] = {
    'paper': {'form': 'softmax', 'temperature': 0.1, 'smoothing': 0.9},
    **{f'search-{name}': {**SEARCH_START, **changes} for name, changes in SEARCH.items()},
    **{f'bank{size}': {'num_entries': size} for size in BANK_SIZES},
    **{f'vectors-{vectors}': {'vectors': vectors} for vectors in VECTORS},
    **{f'smoothing{share}': {'smoothing': share} for share in SMOOTHINGS},
    'form-sum': {'form': 'sum'},
    **{f'form-softmax{t}': {'form': 'softmax', 'temperature': t} for t in TEMPERATURES},
    **{f'interval{length}': {'update_interval': length} for length in UPDATE_INTERVALS},
    **{f'pixels-{weights}': {'pixel_weights': weights} for weights in PIXEL_WEIGHTS},
    **{f'lambda{weight}': {'loss_weight': weight} for weight in LOSS_WEIGHTS},
}


# Letters of a run's name → a mode of masking.
MASK_MODES = {
    'spt': 'separatetrg',
    'spta': 'separatetrgaug',
    'sps': 'separatesrc',
    'spsa': 'separatesrcaug',
    'sep': 'separate',
    'spa': 'separateaug',
}
MARGINS = [30, 240, 30, 30]


@dataclass(frozen=True)
class Masks:
    """How target images are masked; `name` stands in the run's name.

    Attributes:
        mode: A key of `MASK_MODES`.
        block_size: Pixels along a block's side.
        ratio: Share of hidden blocks.
        alpha: 'same', or the momentum of a teacher of its own.
        pseudo_threshold: 'same', a probability, or None.
    """

    mode: str = 'spta'
    block_size: int = 64
    ratio: float = 0.7
    alpha: float | str = 'same'
    pseudo_threshold: float | str | None = 'same'

    @property
    def name(self) -> str:
        """'m64-0.7-spta' for example."""
        own = '' if self.alpha == 'same' else f'-a{self.alpha}'
        own += '' if self.pseudo_threshold == 'same' else f'-p{self.pseudo_threshold}'
        return f'm{self.block_size}-{self.ratio}{own}-{self.mode}'

    @property
    def settings(self) -> ConfigDict:
        """The keys of `uda`."""
        return {
            'mask_mode': MASK_MODES[known(self.mode, MASK_MODES, 'mode of masking')],
            'mask_alpha': self.alpha,
            'mask_pseudo_threshold': self.pseudo_threshold,
            'mask_lambda': 1,
            'mask_generator': {
                'type': 'block',
                'mask_ratio': self.ratio,
                'mask_block_size': self.block_size,
                '_delete_': True,
            },
        }


@dataclass(frozen=True)
class Run:
    """One row of the table: what is trained on what, and how.

    Attributes:
        method: A key of `UDA_BASES`.
        source: The labelled domain.
        target: The domain to adapt to.
        encoder: A key of `ENCODERS`.
        decoder: A key of `MODELS`.
        seed: The run's seed.
        ablation: A key of `ABLATIONS`: what DIDA does otherwise here; None for nothing.
        rcs_temperature: Temperature of rare class sampling, infinity to draw all classes alike;
            None switches it off.
        rcs_min_pixels: Pixels of the rare class that a chosen image holds at least.
        rcs_min_crop_ratio: Share of those pixels that a crop keeps at least.
        crop_pseudo_labels: Whether the rows over the sky and the bonnet weigh nothing.
        crop_margins: Whether the target's images have margins without pseudo labels instead.
        crop_size: Side of the training crops in pixels where it is another than the published one.
        sync_crop_size: Side of a second crop, the same of both domains; None is without.
        masks: Masked consistency; None is without.
        target_labels: The labelled images of the target that are learnt from too, or alone where
            the method is target-only: 'all' that there are, or a split file
            `few/NAME_sSEED.txt` beside them by its NAME; None for no more than the method takes.
        starts_from: The method of another run of the experiment, alike in all else, whose network
            this one begins with; None begins with the encoder's weights.
        schedule: A file of configs/_base_/schedules, without its suffix.
        learning_rate: AdamW's, for the encoder.
        head_lr_mult: How many times that the head learns.
        samples_per_gpu: Batch size.
        max_iters: Training iterations.
        overrides: What this run does unlike the published ones: merged into the config last, but
            for the ablation, which is what the run is made for.
    """

    method: str
    source: str = 'gta'
    target: str = 'cityscapes'
    encoder: str = 'mitb5'
    decoder: str = 'daformer_sepaspp'
    seed: int = 0
    ablation: str | None = None
    rcs_temperature: float | None = None
    rcs_min_pixels: int = 3000
    rcs_min_crop_ratio: float = 0.5
    crop_pseudo_labels: bool = False
    crop_margins: bool = False
    crop_size: int | None = None
    sync_crop_size: int | None = None
    masks: Masks | None = None
    target_labels: str | None = None
    starts_from: str | None = None
    schedule: str = 'poly10warm'
    learning_rate: float = 6e-5
    head_lr_mult: float = 10.0
    samples_per_gpu: int = 2
    max_iters: int = 40000
    overrides: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name_uda(self) -> str:
        """The method with its options, `dida_rcs0.01_cpl` for example."""
        name = self.method if self.ablation is None else f'{self.method}_{self.ablation}'
        if self.rcs_temperature is not None:
            name += f'_rcs{self.rcs_temperature}'
            if self.rcs_min_crop_ratio != 0.5:
                name += f'-{self.rcs_min_crop_ratio}'
        if self.sync_crop_size is not None:
            name += f'_sf{self.sync_crop_size}x{self.sync_crop_size}'
        name += '_cpl' * self.crop_pseudo_labels + '_cpl2' * self.crop_margins
        name += '' if self.target_labels is None else f'_labels-{self.target_labels}'
        name += '' if self.starts_from is None else f'_from-{self.starts_from}'
        return name if self.masks is None else f'{name}_{self.masks.name}'

    @property
    def loaded_crop(self) -> int:
        """Side of the crops that the data sets' files cut, in pixels."""
        return self.crop_size or (1024 if self.target.endswith('HR') else 512)

    @property
    def crop(self) -> int:
        """Side of the crops that the network trains on, in pixels."""
        return self.sync_crop_size or self.loaded_crop

    @property
    def name_dataset(self) -> str:
        """The domains, and the crop where it is not the usual one."""
        size = f'_{self.loaded_crop}x{self.loaded_crop}' if self.loaded_crop != 512 else ''
        return f'{self.source}2{self.target}{size}'

    @property
    def first_stage(self) -> 'Run | None':
        """The run whose network this one begins with."""
        if self.starts_from is None:
            return None
        return replace(self, method=self.starts_from, ablation=None, starts_from=None)

    @property
    def name(self) -> str:
        """The run's name, unique within its experiment."""
        name = (
            f'{self.name_dataset}_{self.name_uda}'
            f'_{self.decoder}_{self.encoder}_{self.schedule}_s{self.seed}'
        )
        name = name.replace('None', 'N').replace('darkzurichHR', 'dzurHR')
        return name.replace('.', '').replace('cityscapes', 'cs').replace('synthia', 'syn')


def config_of(run: Run, experiment: int) -> ConfigDict:
    """Return the config of one run, in the keys and words of the published generator.

    Args:
        run: The run.
        experiment: Number of the experiment that it belongs to.

    Returns:
        A plain dict whose `_base_` files are given from the folder configs/; `name_first_stage`,
        if it is there, names the run whose network is to be loaded.

    Raises:
        UserError: The run names a method, data set, network or ablation that there is not.
    """
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
    if uda := _uda(run):
        config['uda'] = uda
    if run.first_stage:
        config['name_first_stage'] = run.first_stage.name
    config = _merged(config, copy.deepcopy(run.overrides))
    return config if run.ablation is None else _merged(config, _ablated(run.ablation, run.method))


def _model(run: Run) -> ConfigDict:
    scales, decoder, is_in_windows = split_decoder(run.decoder)
    model = model_config(decoder, run.encoder)
    if scales:
        has_distance = run.method not in (*WITHOUT_ADAPTATION, 'dacs')
        model = _merged(model, two_scales(scales, decoder, run.crop, has_distance))
    if is_in_windows:
        model['test_cfg'] = windows(run.crop, is_batched=bool(scales))
    return model


def _bases(run: Run) -> list[str]:
    uda_base = UDA_BASES[known(run.method, UDA_BASES, 'method')]
    files = [
        'default_runtime.py',
        f'models/{model_of(split_decoder(run.decoder)[1], run.encoder).base}',
        f'datasets/{_dataset_base(run)}',
        *([f'uda/{uda_base}'] if uda_base else []),
        'schedules/adamw.py',
        f'schedules/{run.schedule}.py',
    ]
    return [f'_base_/{file}' for file in files]


def _dataset_base(run: Run) -> str:
    if run.method == TARGET_ONLY and run.crop_size is not None:
        return f'{run.target}_{run.crop_size}x{run.crop_size}.py'
    if run.method == TARGET_ONLY:
        return TARGET_BASES[known(run.target, TARGET_BASES, 'target-only data set')]
    bases = PHOTOMETRIC_BASES if run.method == PHOTOMETRIC else DATASET_BASES
    pairs = {f'{source} to {target}': file for (source, target), file in bases.items()}
    pair = known(f'{run.source} to {run.target}', pairs, 'dataset file for')
    return ('uda_' if UDA_BASES[run.method] else '') + pairs[pair]


def _uda(run: Run) -> ConfigDict:
    settings: ConfigDict = {}
    if run.crop_pseudo_labels:
        settings |= {'pseudo_weight_ignore_top': 15, 'pseudo_weight_ignore_bottom': 120}
    return settings if run.masks is None else settings | run.masks.settings


def _ablated(ablation: str, method: str) -> ConfigDict:
    if not method.startswith('dida'):
        raise UserError(
            f'ablation {ablation!r} changes the instance level, which method '
            f"{method!r} does not have: expected method 'dida'"
        )
    return {'uda': {'instance': dict(ABLATIONS[known(ablation, ABLATIONS, 'ablation')])}}


def _data(run: Run) -> ConfigDict:
    train: ConfigDict = {}
    if run.rcs_temperature is not None:
        train['rare_class_sampling'] = {
            'min_pixels': run.rcs_min_pixels,
            # JSON has no infinity; the sampler takes the word.
            'class_temp': 'inf' if math.isinf(run.rcs_temperature) else run.rcs_temperature,
            'min_crop_ratio': run.rcs_min_crop_ratio,
        }
    if run.sync_crop_size is not None:
        train['sync_crop_size'] = [run.sync_crop_size] * 2
    if run.crop_margins:
        train['target'] = {'crop_pseudo_margins': list(MARGINS)}
    if run.target_labels is not None:
        is_all = run.target_labels == 'all'
        split = {} if is_all else {'split': f'few/{run.target_labels}_s{run.seed}.txt'}
        if run.method == TARGET_ONLY:
            train |= split
        else:
            train['target_labelled'] = {'ann_dir': LABEL_FOLDERS[run.target], **split}
    return {'samples_per_gpu': run.samples_per_gpu, 'workers_per_gpu': 4, 'train': train}


def _optimizer(run: Run) -> ConfigDict:
    custom_keys = {'head': {'lr_mult': run.head_lr_mult}}
    if ENCODERS[run.encoder].is_transformer:
        custom_keys |= {'pos_block': {'decay_mult': 0.0}, 'norm': {'decay_mult': 0.0}}
    return {'lr': run.learning_rate, 'paramwise_cfg': {'custom_keys': custom_keys}}


def _names(run: Run, experiment: int) -> ConfigDict:
    return {
        'name': run.name,
        'exp': experiment,
        'name_dataset': run.name_dataset,
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
