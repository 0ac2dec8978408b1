"""CVAT for images 1.1 (https://docs.cvat.ai/docs/dataset_management/formats/format-cvat/)."""

from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np

from mmseg.utils.errors import UserError

from .runs import from_runs
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

FORMAT = 'CVAT for images'


def is_cvat(root: Element) -> bool:
    """Whether an XML file is CVAT's for images."""
    return root.tag == 'annotations' and root.find('image') is not None


def read_cvat(root: Element, path: Path) -> Annotations:
    """Read polygons, boxes, ellipses and masks, those of a higher z_order over others.

    Args:
        root: Root of an XML file.
        path: The file, for messages.

    Raises:
        UserError: The file lacks something.
    """
    images, skipped = [], Counter[str]()
    try:
        for image in root.iter('image'):
            shapes = []
            for child in image:
                if 'label' not in child.attrib or child.tag == 'tag':
                    continue
                mask = _mask_of(child)
                if mask is None:
                    skipped[child.tag] += 1
                    continue
                level = int(child.get('z_order', 0))
                shapes.append(Shape(child.attrib['label'], mask, level))
            size = int(image.attrib['width']), int(image.attrib['height'])
            images.append(AnnotatedImage(image.attrib['name'], size, shapes))
    except (KeyError, ValueError) as error:
        reason = str(error) if isinstance(error, UserError) else repr(error)
        raise UserError(f'{path}: not as CVAT has it: {reason}') from None
    listed = [label for label in root.findall('meta//labels/label') if label.findtext('name')]
    used = sorted({shape.name for image in images for shape in image.shapes})
    colours = {str(label.findtext('name')): label.findtext('color') or '' for label in listed}
    return Annotations(
        format=FORMAT,
        classes=list(dict.fromkeys([*colours, *used])),
        colours={
            name: list(bytes.fromhex(code[1:])) for name, code in colours.items() if len(code) == 7
        },
        images=images,
        on_top=LATER,
        lines=[f'{n} shapes of type {kind} have no area: left out' for kind, n in skipped.items()],
    )


def _mask_of(shape: Element) -> Any:
    def numbers(*names: str) -> list[float]:
        return [float(shape.attrib[name]) for name in names]

    turn = float(shape.get('rotation', 0))
    if shape.tag == 'polygon':
        corners = [point.split(',') for point in shape.attrib['points'].split(';')]
        return partial(polygon_mask, [np.array(corners, float)])
    if shape.tag == 'box':
        left, top, right, bottom = numbers('xtl', 'ytl', 'xbr', 'ybr')
        return partial(polygon_mask, [box_ring(left, top, right, bottom, turn)])
    if shape.tag == 'ellipse':
        x, y, across, down = numbers('cx', 'cy', 'rx', 'ry')
        return partial(ellipse_mask, (x, y), (across, down), turn)
    if shape.tag == 'mask':
        left, top, width, height = map(int, numbers('left', 'top', 'width', 'height'))
        runs = [int(run) for run in shape.attrib['rle'].split(',')]
        return partial(pasted_mask, from_runs(runs, height, width), left, top)
    return None
