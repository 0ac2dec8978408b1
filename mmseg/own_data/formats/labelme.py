"""LabelMe's JSON files, one an image (https://github.com/wkentaro/labelme)."""

import base64
import binascii
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from math import hypot
from pathlib import Path
from typing import Any

import numpy as np

from mmseg.utils.errors import UserError
from mmseg.utils.label_decoding import decode_label

from .shapes import (
    LATER,
    AnnotatedImage,
    Annotations,
    Shape,
    box_ring,
    ellipse_mask,
    pasted_mask,
    polygon_mask,
)

FORMAT = "LabelMe's JSON files"


def is_labelme(content: Any) -> bool:
    """Whether the content of a JSON file is LabelMe's."""
    return isinstance(content, Mapping) and isinstance(content.get('shapes'), list)


def read_labelme(contents: Sequence[tuple[Path, Mapping[str, Any]]]) -> Annotations:
    """Read polygons, rectangles, circles and masks; classes are in the order of their names.

    Args:
        contents: Files and what is in them.

    Raises:
        UserError: A file lacks something.
    """
    images: list[AnnotatedImage] = []
    skipped: Counter[str] = Counter()
    for path, content in contents:
        try:
            shapes = []
            for shape in content['shapes']:
                mask = _mask_of(shape)
                if mask is None:
                    skipped[str(shape.get('shape_type'))] += 1
                else:
                    shapes.append(Shape(str(shape['label']), mask))
            name = str(content.get('imagePath') or path.with_suffix('').name)
            width, height = content.get('imageWidth'), content.get('imageHeight')
            size = None if width is None or height is None else (int(width), int(height))
        except (KeyError, TypeError, ValueError, AttributeError, binascii.Error) as error:
            raise UserError(f'{path}: not as LabelMe has it: {error!r}') from None
        images.append(AnnotatedImage(name, size, shapes))
    return Annotations(
        format=FORMAT,
        classes=sorted({shape.name for image in images for shape in image.shapes}),
        colours={},
        images=images,
        on_top=LATER,
        lines=[f'{n} shapes of type {kind} have no area: left out' for kind, n in skipped.items()],
    )


def _mask_of(shape: Mapping[str, Any]) -> Any:
    points = np.asarray(shape['points'], float).reshape(-1, 2)
    kind = shape.get('shape_type') or 'polygon'
    if kind == 'polygon' and len(points) >= 3:
        return partial(polygon_mask, [points])
    if kind == 'rectangle' and len(points) == 2:
        return partial(polygon_mask, [box_ring(*points[0], *points[1])])
    if kind == 'circle' and len(points) == 2:
        radius = hypot(*(points[1] - points[0]))
        return partial(ellipse_mask, tuple(points[0]), (radius, radius), 0.0)
    if kind == 'mask' and len(points):
        patch = decode_label(base64.b64decode(shape['mask']))
        if patch is None:
            raise ValueError('a mask that is no PNG')
        left, top = points[0].round().astype(int).tolist()
        return partial(pasted_mask, patch > 0, left, top)
    return None
