"""COCO's JSON (Lin et al., ECCV 2014; https://cocodataset.org/#format-data)."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mmseg.utils.errors import UserError

from .runs import coco_mask, pycocotools_mask
from .shapes import SMALLER, AnnotatedImage, Annotations, Shape, polygon_mask

FORMAT = 'COCO JSON'
# What is drawn first lies below.
_CROWD, _STUFF, _THING = -2, -1, 0


def is_coco(content: Any) -> bool:
    """Whether the content of a JSON file is COCO's."""
    return isinstance(content, Mapping) and isinstance(content.get('annotations'), list)


def read_coco(content: Mapping[str, Any], path: Path) -> Annotations:
    """Read objects and stuff: polygons and run lengths; crowds lie below all, stuff below things.

    Args:
        content: Content of a JSON file.
        path: The file, for messages.

    Raises:
        UserError: The file lacks something, or pycocotools is missing and needed.
    """
    try:
        categories = sorted(content['categories'], key=lambda entry: entry['id'])
        names = {entry['id']: str(entry['name']) for entry in categories}
        stuff = {entry['id'] for entry in categories if entry.get('isthing') == 0}
        sizes = {
            entry['id']: (entry['file_name'], (int(entry['width']), int(entry['height'])))
            for entry in content['images']
        }
        shapes: dict[Any, list[Shape]] = defaultdict(list)
        skipped: Counter[str] = Counter()
        for annotation in content['annotations']:
            if 'segments_info' in annotation:
                raise UserError(
                    f"{path} is COCO's panoptic format: convert it with panopticapi's "
                    'converters/panoptic2detection_coco_format.py first'
                )
            image, category = annotation['image_id'], annotation['category_id']
            if image not in sizes or category not in names:
                skipped['annotations of an image or a category that is not listed'] += 1
                continue
            outline = annotation.get('segmentation')
            mask = _mask_of(outline)
            if mask is None:
                skipped['annotations without a region, such as boxes,'] += 1
                continue
            is_crowd = bool(annotation.get('iscrowd'))
            level = _CROWD if is_crowd else _STUFF if category in stuff else _THING
            shapes[image].append(Shape(names[category], mask, level))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f'{path}: not as COCO has it: {error!r}') from None
    return Annotations(
        format=FORMAT,
        classes=list(dict.fromkeys(names.values())),
        colours={names[entry['id']]: entry['color'] for entry in categories if entry.get('color')},
        images=[AnnotatedImage(*sizes[image], shapes.get(image, ())) for image in sizes],
        on_top=SMALLER,
        lines=[f'{number} {reason} are left out' for reason, number in skipped.items()],
    )


def _mask_of(outline: Any) -> Any:
    if isinstance(outline, Mapping):
        if isinstance(outline.get('counts'), str):
            pycocotools_mask()
        return partial(coco_mask, outline)
    if not isinstance(outline, list):
        return None
    rings = [np.asarray(ring, float).reshape(-1, 2) for ring in outline if len(ring) >= 6]
    return partial(polygon_mask, rings) if rings else None
