"""Tiny data sets in their true layouts, written to disk for the tests."""

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

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


def truncate(path: Path) -> Path:
    """Cut a file to half its length."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path
