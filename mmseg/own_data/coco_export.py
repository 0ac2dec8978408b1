"""Label maps as COCO's JSON, to be put right by hand: CVAT reads it as "COCO 1.0"."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import cv2
import numpy as np

from .formats.runs import to_coco
from .pictures import Picture

COMPONENTS, CLASSES = 'components', 'classes'


def regions_of(
    labels: np.ndarray, num_classes: int, regions: str = COMPONENTS, min_area: int = 1
) -> list[tuple[int, np.ndarray]]:
    """Cut a label map into regions.

    Args:
        labels: Class indices (H, W); what is not in [0, C) is of no region.
        num_classes: C.
        regions: 'components' for what hangs together, also by a corner; 'classes' for one region
            a class.
        min_area: Pixels that a region has at least.

    Returns:
        Class and mask (H, W) bool of each, in the order of the classes.
    """
    found: list[tuple[int, np.ndarray]] = []
    for index in np.unique(labels[labels < num_classes]).tolist():
        mask = labels == index
        if regions == CLASSES:
            found += [(index, mask)] * (int(mask.sum()) >= min_area)
            continue
        _, places, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
        areas = stats[:, cv2.CC_STAT_AREA]
        large = [part for part in range(1, len(areas)) if areas[part] >= min_area]
        found += [(index, places == part) for part in large]
    return found


def to_coco_json(
    images: Iterable[tuple[Picture, Callable[[], np.ndarray]]],
    classes: Sequence[str],
    regions: str = COMPONENTS,
    min_area: int = 1,
) -> dict[str, Any]:
    """Return the content of a COCO JSON file, whose masks are compressed run lengths.

    Args:
        images: Pictures, and what gives the class indices (H, W) of each.
        classes: Names (C); category ids begin with 1.
        regions: 'components' or 'classes'; see `regions_of`.
        min_area: Pixels that a region has at least.

    Raises:
        UserError: pycocotools is missing.
    """
    entries: list[dict[str, Any]] = []
    listed: list[dict[str, Any]] = []
    for number, (picture, labels) in enumerate(images, start=1):
        width, height = picture.size
        name = f'{picture.name}{picture.path.suffix}'
        listed.append({'id': number, 'file_name': name, 'width': width, 'height': height})
        for index, mask in regions_of(labels(), len(classes), regions, min_area):
            entries.append(
                {
                    'id': len(entries) + 1,
                    'image_id': number,
                    'category_id': index + 1,
                    'segmentation': to_coco(mask),
                    'area': int(mask.sum()),
                    'bbox': list(cv2.boundingRect(mask.astype(np.uint8))),
                    'iscrowd': 0,
                }
            )
    categories = [
        {'id': index, 'name': name, 'supercategory': ''}
        for index, name in enumerate(classes, start=1)
    ]
    return {'images': listed, 'annotations': entries, 'categories': categories}
