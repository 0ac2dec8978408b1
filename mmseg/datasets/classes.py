"""Which classes a data set has, what they are called and how they are coloured."""

import colorsys
from collections import Counter
from collections.abc import Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np

from mmseg.core.building import nearest
from mmseg.utils.errors import UserError, UserFileNotFoundError

_GOLDEN_RATIO = 0.618034


def choose_classes(
    wanted: str | Sequence[str] | None, own: Sequence[str] | None
) -> Sequence[str] | None:
    """Return the class names to use.

    Args:
        wanted: Names, or a file with one a line, or None for all of `own`.
        own: Names that the data set's labels stand for, in order; None where not known.

    Returns:
        The names, in the order of the labels that networks learn.

    Raises:
        UserError: For a wanted name that is not among `own`, or a missing file.
    """
    if wanted is None:
        return own
    if isinstance(wanted, str):
        if not Path(wanted).is_file():
            raise UserFileNotFoundError(f'the file of class names {wanted} does not exist')
        wanted = _lines(wanted)
    for name in wanted:
        if own is not None and name not in own:
            raise UserError(f'unknown class {name!r}: {nearest(name, own)}')
    twice = [name for name, count in Counter(wanted).items() if count > 1]
    if twice:
        raise UserError(f'classes: {twice[0]!r} stands there twice; names must differ')
    return tuple(wanted)


def label_map_between(
    own: Sequence[str] | None, chosen: Sequence[str] | None
) -> dict[int, int] | None:
    """Return the new label of each old one, -1 for ignored classes; None where all stay."""
    if own is None or chosen is None or list(own) == list(chosen):
        return None
    order = list(chosen)
    return {old: order.index(name) if name in order else -1 for old, name in enumerate(own)}


def choose_palette(
    wanted: Sequence[Sequence[int]] | None,
    own: Sequence[Sequence[int]] | None,
    label_map: dict[int, int] | None,
    classes: Sequence[str] | None,
) -> Sequence[Sequence[int]] | None:
    """Return the RGB colour (0-255) of each class.

    Args:
        wanted: Colours, or None for the data set's own or, without those, well-spread ones.
        own: The data set's colours, one for each label in its files.
        label_map: New label of each old one, as `label_map_between` gives it.
        classes: The chosen class names.

    Returns:
        One colour for each class, or None where the classes are not known.

    Raises:
        UserError: For colours that are none, or another number of them than classes.
    """
    if wanted is not None:
        return _checked_palette(wanted, classes)
    if classes is None:
        return None
    if own is None:
        return [_spread_colour(i) for i in range(len(classes))]
    if label_map is None:
        return own
    colours = {new: own[old] for old, new in label_map.items() if new >= 0}
    return [colours[new] for new in sorted(colours)]


class NamesClasses:
    """What a data set needs to name and colour its classes."""

    CLASSES: Sequence[str] | None
    PALETTE: Sequence[Sequence[int]] | None
    label_map: dict[int, int] | None

    def get_classes_and_palette(
        self,
        classes: str | Sequence[str] | None = None,
        palette: Sequence[Sequence[int]] | None = None,
    ) -> tuple[Sequence[str] | None, Sequence[Sequence[int]] | None]:
        """Return the names and colours of the classes to use, and set `label_map`.

        Args:
            classes: Names, or a file of them, or None for the data set's own.
            palette: RGB colours, or None for the data set's own.
        """
        chosen = choose_classes(classes, self.CLASSES)
        self.label_map = label_map_between(self.CLASSES, chosen)
        return chosen, self.get_palette_for_custom_classes(chosen, palette)

    def get_palette_for_custom_classes(
        self,
        class_names: Sequence[str] | None,
        palette: Sequence[Sequence[int]] | None = None,
    ) -> Sequence[Sequence[int]] | None:
        """Return the colours of the chosen classes, as `choose_palette` does."""
        return choose_palette(palette, self.PALETTE, self.label_map, class_names)


def number_classes(dataset: Any, num_classes: int) -> None:
    """Let a data set that does not know what its classes are called name them by their numbers.

    Args:
        dataset: A data set, or one made of others; changed in place.
        num_classes: Number of classes C that the network has.
    """
    parts = [getattr(dataset, name, None) for name in ('source', 'target')]
    for part in (*parts, *getattr(dataset, 'datasets', ())):
        if part is not None:
            number_classes(part, num_classes)
    if dataset.CLASSES is None:
        dataset.CLASSES = tuple(str(number) for number in range(num_classes))
        dataset.PALETTE = choose_palette(dataset.PALETTE, None, None, dataset.CLASSES)


def _checked_palette(
    palette: Sequence[Sequence[int]], classes: Sequence[str] | None
) -> Sequence[Sequence[int]]:
    colours = list(palette)
    for index, colour in enumerate(colours):
        if not _is_colour(colour):
            raise UserError(
                f'palette: expected [red, green, blue] from 0 to 255, got {colour!r} at {index}'
            )
    if classes is not None and len(colours) != len(classes):
        raise UserError(
            f'palette: expected a colour for each of the {len(classes)} classes '
            f'({", ".join(classes)}), got {len(colours)}'
        )
    return colours


def _is_colour(colour: Any) -> bool:
    parts = list(colour) if isinstance(colour, Sequence | np.ndarray) else []
    return len(parts) == 3 and all(
        isinstance(part, Integral) and not isinstance(part, bool) and 0 <= int(part) <= 255
        for part in parts
    )


def _lines(path: str) -> list[str]:
    try:
        lines = Path(path).read_text(encoding='utf-8-sig').splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f'the file of class names {path} cannot be read: {error}') from None
    return [line.strip() for line in lines if line.strip()]


def _spread_colour(index: int) -> list[int]:
    red, green, blue = colorsys.hsv_to_rgb(index * _GOLDEN_RATIO % 1, 0.75, 0.9)
    return [round(255 * value) for value in (red, green, blue)]
