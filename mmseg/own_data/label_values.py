"""What stands in label files, and which classes that may mean."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from mmseg.core.evaluation import get_classes, get_palette
from mmseg.core.evaluation.class_names import IGNORE_INDEX
from mmseg.datasets.class_mapping import read_values
from mmseg.utils.errors import UserError

from .pictures import Picture

COLOURED = ('RGB', 'RGBA', 'CMYK', 'YCbCr')
_LOSSY = ('.jpg', '.jpeg', '.webp')
# Values rarer than this come from blended borders, where they fill no area or are very many.
_BLENDED = 1e-3
_MANY, _MOST_OF_ALL = 40, 0.75
_NUM_READ = 60
_SQUARE = 3


class LabelValues(NamedTuple):
    """Values of label files.

    Attributes:
        is_coloured: Whether they are colours, as 0xRRGGBB, or ids.
        shares: Value → share of the pixels, the most frequent first.
        num_read: How many files were read.
        solid: Values that fill a square of 3×3 pixels somewhere.
    """

    is_coloured: bool
    shares: Mapping[int, float]
    num_read: int
    solid: Collection[int]


class Proposal(NamedTuple):
    """Classes that label values may stand for.

    Attributes:
        classes: The `classes` of a mapping file.
        lines: What was taken for what, and what is ignored, a line each.
    """

    classes: Mapping[str, Mapping[str, Any]]
    lines: Sequence[str]


def hold_colours(labels: Sequence[Picture]) -> bool:
    """Whether label files hold colours; else they hold ids.

    Raises:
        UserError: Some do and others do not.
    """
    kinds = {picture.mode in COLOURED for picture in labels}
    if len(kinds) > 1:
        one = next(p for p in labels if p.mode in COLOURED)
        other = next(p for p in labels if p.mode not in COLOURED)
        raise UserError(
            f'some labels hold colours ({one.path.name}), others ids ({other.path.name})'
        )
    return kinds.pop()


def refuse_blurred(labels: Sequence[Picture]) -> None:
    """Raise a `UserError` where label files are of a kind that blurs colours."""
    lossy = [p for p in labels if p.path.suffix.lower() in _LOSSY]
    if lossy:
        raise UserError(
            f'{len(lossy)} labels such as {lossy[0].path.name} are of a kind that blurs colours: '
            'export them as PNG'
        )


def look_at_labels(labels: Sequence[Picture], most: int = _NUM_READ) -> LabelValues:
    """Count the values of some label files, spread over all.

    Args:
        labels: The files.
        most: How many of them are read.

    Raises:
        UserError: Files of a kind that blurs colours, or some with colours among some with ids.
    """
    refuse_blurred(labels)
    is_coloured = hold_colours(labels)
    spread = np.linspace(0, len(labels) - 1, min(most, len(labels))).round().astype(int)
    counts, solid = count_values([labels[index] for index in spread], is_coloured)
    total = counts.total()
    shares = {value: number / total for value, number in counts.most_common()}
    return LabelValues(is_coloured, shares, len(spread), solid)


def _solid_values(label: np.ndarray) -> list[int]:
    """Return the values (H, W) of pixels whose eight neighbours have the same."""
    height, width = label.shape
    if min(height, width) < _SQUARE:
        return []
    centre = label[1:-1, 1:-1]
    is_solid = np.ones(centre.shape, bool)
    for top in range(_SQUARE):
        for left in range(_SQUARE):
            shifted = label[top : top + height - 2, left : left + width - 2]
            is_solid &= shifted == centre
    found: list[int] = np.unique(centre[is_solid]).tolist()
    return found


def count_values(labels: Sequence[Picture], is_coloured: bool) -> tuple[Counter[int], set[int]]:
    """Count the pixels of each value, of ids or of colours as 0xRRGGBB; name the solid ones too."""
    counts: Counter[int] = Counter()
    solid: set[int] = set()
    for picture in labels:
        label = read_values(picture.path, is_coloured)
        values, pixels = np.unique(label, return_counts=True)
        counts.update(dict(zip(values.tolist(), pixels.tolist(), strict=True)))
        solid.update(_solid_values(label))
    return counts, solid


def propose_classes(values: LabelValues) -> Proposal:
    """Propose classes: colours by Cityscapes' palette where they are of it, else one a value.

    Raises:
        UserError: There are not two values, or too many to be classes.
    """
    blended = _blended(values)
    shares = {value: share for value, share in values.shares.items() if value not in blended}
    lines: list[str] = []
    if blended:
        kind = 'colours' if values.is_coloured else 'ids'
        covered = sum(values.shares[value] for value in blended)
        lines.append(
            f'{len(blended)} {kind} cover {covered:.2%} of the pixels together, as blended borders '
            'do: ignored'
        )
    if not values.is_coloured and IGNORE_INDEX in shares and len(shares) > 2:
        lines.append(f'{IGNORE_INDEX} ({shares.pop(IGNORE_INDEX):.2%} of the pixels): ignored')
    if not 2 <= len(shares) <= IGNORE_INDEX:
        raise UserError(
            f'the labels hold {len(shares)} values that could be classes, expected 2 to '
            f'{IGNORE_INDEX}: give a mapping file (--classes, docs/own_data.md)'
        )
    known = _known_colours() if values.is_coloured else {}
    are_known = sum(value in known for value in shares) >= 0.8 * len(shares)
    classes: dict[str, dict[str, Any]] = {}
    for value in sorted(shares):
        label: Any = list(value.to_bytes(3, 'big')) if values.is_coloured else value
        if are_known and value not in known:
            lines.append(f'{label} ({shares[value]:.2%}) is no colour of Cityscapes: ignored')
            continue
        name = known[value] if are_known else f'class {len(classes)}'
        classes[name] = {'labels': [label], **({'color': label} if values.is_coloured else {})}
        lines.append(f'{label} ({shares[value]:.2%} of the pixels) is taken for {name!r}')
    return Proposal(classes, lines)


def _blended(values: LabelValues) -> set[int]:
    """Return what blending at borders left: rare values, never of an area, or very many of them."""
    rare = {value for value, share in values.shares.items() if share < _BLENDED}
    thin = rare - set(values.solid) if values.solid else set()
    number = len(values.shares)
    are_many = number > _MANY and (values.is_coloured or len(rare) > _MOST_OF_ALL * number)
    return rare if are_many else thin


def _known_colours() -> dict[int, str]:
    pairs = zip(get_palette('cityscapes'), get_classes('cityscapes'), strict=True)
    return {int.from_bytes(bytes(colour), 'big'): name for colour, name in pairs}
