"""A person's two folders as data sets of this project, and the config that adapts to the second."""

import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmseg.datasets.class_mapping import ClassMapping
from mmseg.datasets.statistics_files import CONVERTED
from mmseg.experiments.configs import UDA_BASES
from mmseg.experiments.models import model_config, model_of
from mmseg.utils.atomic import atomic_path
from mmseg.utils.errors import UserError
from mmseg.utils.links import link_or_copy
from mmseg.utils.places import CONFIGS

from .choices import Choice
from .pictures import Picture

BASES = CONFIGS / '_base_'
DECODERS = {
    'effnetlite0': 'daformer_sepaspp_ch64',
    'mitb0': 'daformer_sepaspp_ch64',
    'mitb5': 'daformer_sepaspp',
}
_OF_IMAGENET = {
    'mean': [123.675, 116.28, 103.53],
    'std': [58.395, 57.12, 57.375],
    'to_rgb': True,
}
# What images were normalised with where the encoders' weights come from.
NORMS: dict[str, dict[str, Any]] = {
    'effnetlite0': {'mean': [127.5] * 3, 'std': [127.5] * 3, 'to_rgb': True},
    'mitb0': _OF_IMAGENET,
    'mitb5': _OF_IMAGENET,
}
MAPPING = 'classes.json'
NUM_CHECKPOINTS = 4
_OURS = re.compile(rf'\d{{6}}(\.png|{re.escape(CONVERTED)})')


@dataclass(frozen=True)
class Layout:
    """Where the data sets of a plan lie.

    Attributes:
        root: Folder of the plan.
    """

    root: Path

    @property
    def source(self) -> Path:
        """The source: `images`, `labels` and what the converter writes."""
        return self.root / 'data' / 'source'

    @property
    def target(self) -> Path:
        """The target: `images`; where some are labelled, `val_images` and `val_labels` too."""
        return self.root / 'data' / 'target'

    @property
    def distilled(self) -> Path:
        """The target as a student sees it: `images`, and in `labels` what was predicted."""
        return self.root / 'data' / 'distilled'

    @property
    def mapping(self) -> Path:
        """The mapping file."""
        return self.root / MAPPING

    def config(self, name: str) -> Path:
        """The config 'adapt', 'source_only' or 'distilled'."""
        return self.root / f'{name}.json'

    def run(self, name: str) -> Path:
        """The work dir that such a config is trained in."""
        return self.root / name

    def base(self, name: str) -> str:
        """One of this project's base configs, such as 'uda/dida.py', as a config names it."""
        return os.path.relpath(BASES / name, self.root)


def lay_out(pictures: Sequence[Picture], folder: Path) -> None:
    """Link pictures into a folder under plain names: 000000.png, 000001.png, …

    What a file is does not depend on its name here: all readers look into it. Where there are no
    links, files are copied. What was laid out before is taken away first.

    Raises:
        UserError: The folder holds something else.
    """
    others = [path.name for path in folder.glob('*') if not _OURS.fullmatch(path.name)]
    if others:
        raise UserError(
            f'{folder} holds files of your own, such as {others[0]}: give another --out'
        )
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for index, picture in enumerate(pictures):
        link_or_copy(picture.path, folder / f'{index:06d}.png')


def lay_out_pairs(
    pairs: Sequence[tuple[Picture, Picture]],
    folder: Path,
    images: str = 'images',
    labels: str = 'labels',
) -> None:
    """Link pictures and their labels into two folders below one; see `lay_out`."""
    lay_out([image for image, _ in pairs], folder / images)
    lay_out([label for _, label in pairs], folder / labels)


def write_mapping(
    classes: Mapping[str, Any], path: Path, images: str = 'images', labels: str = 'labels'
) -> ClassMapping:
    """Write a mapping file of a layout; return what it says.

    Args:
        classes: Its classes.
        path: The file.
        images: Folder of the images below the data set's.
        labels: Folder of the labels.

    Raises:
        UserError: The classes are not as they should be.
    """
    content = {'images': images, 'labels': labels, 'classes': classes}
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + '\n', encoding='utf-8')
    return ClassMapping.from_file(path)


def config_of_plan(
    layout: Layout,
    mapping: ClassMapping,
    choices: Mapping[str, Choice],
    method: str,
    max_iters: int,
    has_val: bool,
) -> dict[str, Any]:
    """Return the config of a plan: an ordinary one, to be edited and run.

    Args:
        layout: Where the data sets lie.
        mapping: The classes.
        choices: 'size', 'crop', 'encoder', 'precision', 'batch', 'bank entries', 'margins' and
            'min_pixels'.
        method: 'source-only', 'daformer', 'dida' or 'dida_plus'.
        max_iters: Training iterations.
        has_val: Whether there are labelled target images.
    """
    encoder = choices['encoder'].value
    decoder = DECODERS[encoder]
    uda_base = UDA_BASES[method]
    bases = [
        'default_runtime.py',
        f'models/{model_of(decoder, encoder).base}',
        *([f'uda/{uda_base}'] if uda_base else []),
        'schedules/adamw.py',
        'schedules/poly10warm.py',
    ]
    model = model_config(decoder, encoder)
    model['decode_head']['num_classes'] = len(mapping.classes)
    config: dict[str, Any] = {
        '_base_': [layout.base(name) for name in bases],
        'model': model,
        'data': _data(layout, mapping, choices, method, has_val),
        'optimizer': optimizer_of(as_published=encoder != 'effnetlite0'),
        **_length(max_iters),
        'seed': 0,
        'n_gpus': 1,
        'name': method,
    }
    if choices['precision'].value != 'float32':
        config['amp'] = choices['precision'].value
    if uda_base:
        config['optimizer_config'] = None
        uda: dict[str, Any] = {'alpha': _alpha(max_iters)}
        uda['imnet_feature_dist_classes'] = list(range(len(mapping.classes)))
        if method in ('dida', 'dida_plus'):
            uda['instance'] = {'num_entries': choices['bank entries'].value}
        config['uda'] = uda
    return config


def optimizer_of(as_published: bool) -> dict[str, Any]:
    """Return learning rates: as published for transformers with ImageNet weights, or higher."""
    rate, of_head = (6e-5, 10.0) if as_published else (5e-4, 3.0)
    return {'lr': rate, 'paramwise_cfg': {'custom_keys': {'head': {'lr_mult': of_head}}}}


def with_length(config: Mapping[str, Any], max_iters: int) -> dict[str, Any]:
    """Return a config of a plan with another number of iterations, and what follows from it.

    Checkpoints are saved `NUM_CHECKPOINTS` times; labels, if there are any, are tested on at the
    end. All else stays as a person may have edited it.

    Args:
        config: From `config_of_plan`.
        max_iters: Training iterations.
    """
    changed = {**config, **_length(max_iters)}
    uda = config.get('uda')
    if uda and uda.get('alpha') == _alpha(config['runner']['max_iters']):
        changed['uda'] = {**uda, 'alpha': _alpha(max_iters)}
    return changed


def _length(max_iters: int) -> dict[str, Any]:
    return {
        'lr_config': {'warmup_iters': max(1, min(1500, max_iters // 5))},
        'runner': {'type': 'IterBasedRunner', 'max_iters': max_iters},
        'checkpoint_config': {'by_epoch': False, 'interval': -(-max_iters // NUM_CHECKPOINTS)},
        'evaluation': {'interval': max_iters, 'metric': 'mIoU'},
    }


def _alpha(max_iters: int) -> float:
    """Return the teacher's inertia: in a short run it may not lag behind by all of it."""
    return 0.99 if max_iters < 10000 else 0.999


def _data(
    layout: Layout,
    mapping: ClassMapping,
    choices: Mapping[str, Choice],
    method: str,
    has_val: bool,
) -> dict[str, Any]:
    size, side = list(choices['size'].value), choices['crop'].value
    crop = [side, side]
    norm = {'type': 'Normalize', **NORMS[choices['encoder'].value]}
    load, labels = {'type': 'LoadImageFromFile'}, {'type': 'LoadAnnotations'}
    resize = {'type': 'Resize', 'img_scale': size}
    finish = [
        {'type': 'RandomFlip', 'prob': 0.5},
        norm,
        {'type': 'Pad', 'size': crop, 'pad_val': 0, 'seg_pad_val': 255},
        {'type': 'DefaultFormatBundle'},
    ]
    balanced = {'type': 'RandomCrop', 'crop_size': crop, 'cat_max_ratio': 0.75}
    of_source = [
        *(load, labels, resize, balanced, *finish),
        {'type': 'Collect', 'keys': ['img', 'gt_semantic_seg']},
    ]
    of_target = [
        *(load, resize, {'type': 'RandomCrop', 'crop_size': crop}, *finish),
        {'type': 'Collect', 'keys': ['img']},
    ]
    of_test = [
        load,
        {
            'type': 'MultiScaleFlipAug',
            'img_scale': size,
            'flip': False,
            'transforms': [
                {'type': 'Resize', 'keep_ratio': True},
                norm,
                {'type': 'ImageToTensor', 'keys': ['img']},
                {'type': 'Collect', 'keys': ['img']},
            ],
        },
    ]
    common = {
        'type': 'CustomDataset',
        'img_suffix': '.png',
        'seg_map_suffix': CONVERTED,
        'classes': list(mapping.classes),
        'palette': [list(colour) for colour in mapping.palette],
    }
    source = {
        **common,
        'data_root': str(layout.source),
        'img_dir': 'images',
        'ann_dir': 'labels',
        'pipeline': of_source,
    }
    target = {
        **common,
        'data_root': str(layout.target),
        'img_dir': 'images',
        'pipeline': of_target,
    }
    if choices['margins'].value is not None:
        target['crop_pseudo_margins'] = choices['margins'].value
    test = {**common, 'data_root': str(layout.target), 'img_dir': 'images', 'pipeline': of_test}
    if has_val:
        test |= {'img_dir': 'val_images', 'ann_dir': 'val_labels'}
    train: dict[str, Any] = source
    if UDA_BASES[method]:
        train = {
            'type': 'UDADataset',
            'source': source,
            'target': target,
            'rare_class_sampling': {
                'min_pixels': choices['min_pixels'].value,
                'class_temp': 0.01,
                'min_crop_ratio': 0.5,
            },
        }
    data = {'samples_per_gpu': choices['batch'].value, 'workers_per_gpu': 1, 'train': train}
    return {**data, 'val': test, 'test': test}
