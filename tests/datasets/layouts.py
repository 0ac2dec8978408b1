"""Tiny data sets in their true layouts, written to disk for the tests."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from mmseg.core.evaluation.class_names import CITYSCAPES_ID_TO_TRAIN_ID, id_lookup_table
from mmseg.street_scenes import DOMAINS, render_scene

# Label ids that GTA and Cityscapes write, and Synthia's for the same classes.
ROAD, BUILDING, SKY, CAR, TRAIN = 7, 11, 23, 26, 31
SYNTHIA_ROAD, SYNTHIA_BUILDING, SYNTHIA_CAR = 3, 2, 8

TRAIN_PIPELINE = [
    {'type': 'LoadImageFromFile'},
    {'type': 'LoadAnnotations'},
    {'type': 'Resize', 'img_scale': [48, 32]},
    {'type': 'RandomCrop', 'crop_size': [16, 24], 'cat_max_ratio': 0.9},
    {'type': 'RandomFlip', 'prob': 0.5},
    {'type': 'Normalize', 'mean': [120.0, 110.0, 100.0], 'std': [60.0, 50.0, 40.0]},
    {'type': 'Pad', 'size': [16, 24], 'pad_val': 0, 'seg_pad_val': 255},
    {'type': 'DefaultFormatBundle'},
    {'type': 'Collect', 'keys': ['img', 'gt_semantic_seg']},
]


def photograph(seed: int, height: int, width: int) -> np.ndarray:
    """Noise (H, W, 3) that tells images apart."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def label_ids(seed: int, height: int, width: int, rare: int = CAR) -> np.ndarray:
    """Sky above, road below, a building at the left, and a small rare thing somewhere."""
    ids = np.full((height, width), SKY, np.uint8)
    ids[height // 2 :] = ROAD
    ids[: height // 2, : width // 3] = BUILDING
    top, left = np.random.default_rng(seed).integers(0, (height - 6, width - 6))
    ids[top : top + 6, left : left + 6] = rare
    ids[0, 0] = 0  # unlabelled
    return ids


def write_png(path: Path, array: np.ndarray) -> Path:
    """Write pixels as OpenCV does, making the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), array)
    return path


def write_palette_png(path: Path, ids: np.ndarray) -> Path:
    """Write indices with a colour table, as GTA's labels are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(ids).convert('P')
    image.putdata(ids.ravel().tolist())
    image.putpalette(photograph(0, 256, 1).ravel().tolist())
    image.save(path)
    return path


def write_gta(root: Path, num: int = 4, height: int = 32, width: int = 48) -> Path:
    """Write a GTA folder; the last image shows a train, the others a car."""
    for i in range(num):
        write_png(root / f'images/{i + 1:05d}.png', photograph(i, height, width))
        ids = label_ids(i, height, width, TRAIN if i == num - 1 else CAR)
        write_palette_png(root / f'labels/{i + 1:05d}.png', ids)
    return root


def write_synthia(root: Path, num: int = 3, height: int = 20, width: int = 28) -> Path:
    """Write a Synthia folder: 16-bit PNGs, the class in red, the instance in green."""
    for i in range(num):
        write_png(root / f'RGB/{i:07d}.png', photograph(i, height, width))
        label = np.zeros((height, width, 3), np.uint16)
        label[..., 1] = 1000 + i
        label[..., 2] = SYNTHIA_BUILDING
        label[height // 2 :, :, 2] = SYNTHIA_ROAD
        label[-4:, -4:, 2] = SYNTHIA_CAR
        write_png(root / f'GT/LABELS/{i:07d}.png', label)
    return root


def write_cityscapes(
    root: Path, num: int = 3, height: int = 32, width: int = 64, with_labels: bool = True
) -> Path:
    """Write a Cityscapes folder with two cities in train and one in val."""
    cities = {'train': ('aachen', 'bochum'), 'val': ('lindau',)}
    for split, names in cities.items():
        for city in names:
            for i in range(num):
                stem = f'{split}/{city}/{city}_{i:06d}_000019'
                image = root / f'leftImg8bit/{stem}_leftImg8bit.png'
                write_png(image, photograph(100 + i + len(city), height, width))
                if with_labels:
                    ids = label_ids(i, height, width)
                    write_png(root / f'gtFine/{stem}_gtFine_labelIds.png', ids)
    return root


NIGHT = replace(
    DOMAINS['cityscapes'],
    name='night',
    ambient=(0.10, 0.11, 0.16),
    sky=((12, 14, 24), (36, 34, 40)),
    haze=(24, 24, 30),
)


@cache
def street_at_night(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw an image (36, 64, 3) BGR and its train ids (36, 64)."""
    image, ids = render_scene(seed, NIGHT, (64, 36))
    return image[..., ::-1].copy(), id_lookup_table(CITYSCAPES_ID_TO_TRAIN_ID)[ids]


def write_street_scene(image: Path, label: Path | None, number: int) -> None:
    """Write one of three drawn streets, and its train ids where it has a label."""
    pixels, train_ids = street_at_night(number % 3)
    write_png(image, pixels)
    if label is not None:
        write_png(label, train_ids)


def write_acdc(root: Path, rearranged: bool = False) -> Path:
    """Write an ACDC folder: a sequence of two images in each condition and part.

    Beside every sequence stands one of the same places in good weather, without labels here. The
    rearranged folder is what published code asks for: neither conditions nor sequences.
    """
    seed = 0
    for condition in ('fog', 'night', 'rain', 'snow'):
        for number, part in enumerate(('train', 'val', 'test')):
            sequence = f'GOPR0{seed // 6 + 475}'
            folder = part if rearranged else f'{condition}/{part}/{sequence}'
            for frame in (41, 160):
                stem = f'{sequence}_frame_{frame:06d}'
                label = root / f'gt/{folder}/{stem}_gt_labelTrainIds.png'
                image = root / f'rgb_anon/{folder}/{stem}_rgb_anon.png'
                write_street_scene(image, label if part != 'test' else None, seed)
                seed += 1
            if not rearranged and number == 0:
                reference = f'{condition}/train_ref/{sequence}/{sequence}_frame_000003'
                write_street_scene(root / f'rgb_anon/{reference}_ref_anon.png', None, seed)
    return root


def write_dark_zurich(root: Path) -> Path:
    """Write a Dark Zurich folder: images of all times of day, labels of validation only."""
    sequences = ('train/day/GOPR0345', 'train/twilight/GOPR0349', 'train/night/GOPR0351')
    for seed, folder in enumerate((*sequences, 'val/night/GOPR0356', 'test/night/GOPR0364')):
        for frame in (33, 141):
            stem = f'{folder}/{folder[-8:]}_frame_{frame:06d}'
            label = root / f'gt/{stem}_gt_labelTrainIds.png' if folder.startswith('val') else None
            write_street_scene(root / f'rgb_anon/{stem}_rgb_anon.png', label, 100 * seed + frame)
    return root


def truncate(path: Path) -> Path:
    """Cut a file to half its length."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path
