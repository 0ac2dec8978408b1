"""A tiny data set on disk, five classes in pictures of 40 by 56 pixels, and configs for it."""

import json
from pathlib import Path

import cv2
import numpy as np
import torch

from mmseg.apis import init_segmentor, load_config
from mmseg.apis.work_dir import CONFIG_NAME
from mmseg.core.checkpoint import save_checkpoint

CONFIGS = Path(__file__).resolve().parents[2] / 'configs' / '_base_'
CLASSES = ['road', 'sidewalk', 'building', 'pole', 'sky']
PALETTE = [[128, 64, 128], [244, 35, 232], [70, 70, 70], [153, 153, 153], [70, 130, 180]]
NORM = {'mean': [123.675, 116.28, 103.53], 'std': [58.395, 57.12, 57.375], 'to_rgb': True}
CROP = [32, 48]


def write_domain(root: Path, num_images: int, shade: int) -> None:
    """Write pictures whose stripes are their labels, `shade` brighter than the other domain's."""
    rng = np.random.default_rng(shade)
    for kind in ('images', 'labels'):
        (root / kind).mkdir(parents=True)
    for index in range(num_images):
        labels = np.repeat(rng.permutation(5), 8)[:40, None].repeat(56, 1).astype(np.uint8)
        labels[:2, :2] = 255
        picture = np.asarray(PALETTE, np.uint8)[np.minimum(labels, 4)][..., ::-1] // 2 + shade
        cv2.imwrite(str(root / f'images/{index}.png'), picture)
        cv2.imwrite(str(root / f'labels/{index}.png'), labels)


def pipeline() -> list[dict]:
    """Training transforms."""
    return [
        {'type': 'LoadImageFromFile'},
        {'type': 'LoadAnnotations'},
        {'type': 'Resize', 'img_scale': [56, 40]},
        {'type': 'RandomCrop', 'crop_size': CROP},
        {'type': 'RandomFlip', 'prob': 0.5},
        {'type': 'Normalize', **NORM},
        {'type': 'Pad', 'size': CROP, 'pad_val': 0, 'seg_pad_val': 255},
        {'type': 'DefaultFormatBundle'},
        {'type': 'Collect', 'keys': ['img', 'gt_semantic_seg']},
    ]


def testing_pipeline() -> list[dict]:
    """Test transforms."""
    inner = [
        {'type': 'Resize', 'keep_ratio': True},
        {'type': 'RandomFlip'},
        {'type': 'Normalize', **NORM},
        {'type': 'ImageToTensor', 'keys': ['img']},
        {'type': 'Collect', 'keys': ['img']},
    ]
    outer = {'type': 'MultiScaleFlipAug', 'img_scale': [56, 40], 'flip': False}
    return [{'type': 'LoadImageFromFile'}, {**outer, 'transforms': inner}]


def dataset(root: Path, steps: list[dict], **more: object) -> dict:
    """Config of a data set below `root`."""
    return {
        'type': 'CustomDataset',
        'data_root': str(root),
        'img_dir': 'images',
        'img_suffix': '.png',
        'ann_dir': 'labels',
        'classes': CLASSES,
        'palette': PALETTE,
        'pipeline': steps,
        **more,
    }


def write_config(folder: Path, uda: bool = False, **changes: object) -> Path:
    """Write both domains (once) and a config that trains on them for two iterations."""
    source, target = folder / 'source', folder / 'target'
    if not source.exists():
        write_domain(source, 4, shade=90)
        write_domain(target, 3, shade=10)
    train: dict = dataset(source, pipeline())
    if uda:
        train = {'type': 'UDADataset', 'source': train, 'target': dataset(target, pipeline())}
    test = dataset(target, testing_pipeline(), extra_means={'mIoU3': CLASSES[:3]})
    bases = ['default_runtime.py', 'models/daformer_sepaspp_mitb0.py']
    bases += ['schedules/adamw.py', 'schedules/poly10.py'] + ['uda/dida.py'] * uda
    head = {'num_classes': 5, 'channels': 16, 'decoder_params': {'embed_dims': 16}}
    config = {
        '_base_': [str(CONFIGS / base) for base in bases],
        'model': {'pretrained': None, 'decode_head': head},
        'data': {
            'samples_per_gpu': 2,
            'workers_per_gpu': 0,
            'train': train,
            'val': test,
            'test': test,
        },
        'runner': {'type': 'IterBasedRunner', 'max_iters': 2},
        'checkpoint_config': {'by_epoch': False, 'interval': 1},
        'evaluation': {'interval': 1, 'metric': 'mIoU'},
        'log_config': {'interval': 1},
        'seed': 3,
        'name': 'tiny',
    }
    if uda:
        config['uda'] = {
            'debug_img_interval': 2,
            'imnet_feature_dist_classes': [1, 3],
            'instance': {'num_entries': 7},
        }
        config['optimizer_config'] = None
    path = folder / ('uda.json' if uda else 'source_only.json')
    path.write_text(json.dumps({**config, **changes}))
    return path


def write_run(folder: Path) -> Path:
    """Write a work dir with the config and random weights of a network; return it."""
    config = write_config(folder).rename(folder / CONFIG_NAME)
    torch.manual_seed(0)
    network = init_segmentor(load_config(config), device='cpu')
    network.init_weights()
    network.CLASSES, network.PALETTE = CLASSES, PALETTE
    save_checkpoint(network, folder / 'iter_1.pth')
    return folder


def two_scales(model):
    """Return the same network of two scales, the detail a crop of 16×16."""
    head = {
        **model['decode_head'],
        'type': 'HRDAHead',
        'single_scale_head': model['decode_head'].get('type', 'DAFormerHead'),
        'hr_loss_weight': 0.1,
        'attention_embed_dim': 8,
    }
    network = {'type': 'HRDAEncoderDecoder', 'hr_crop_size': [16, 16], 'crop_coord_divisible': 8}
    return {**model, **network, 'decode_head': head}
