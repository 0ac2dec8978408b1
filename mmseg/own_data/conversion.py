"""A data set of one's own, made of pictures and their label maps."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmseg.core.evaluation.class_names import IGNORE_INDEX
from mmseg.core.visualization import save_picture
from mmseg.datasets.classes import choose_palette
from mmseg.utils.atomic import atomic_path
from mmseg.utils.errors import UserError
from mmseg.utils.links import link_or_copy
from mmseg.utils.progress import track

from .contact_sheet import Labelled, contact_sheet
from .fit import fit_of
from .formats.reading import BACKGROUND_NAMES, Reading

MAPPING, SHEET = 'classes.json', 'check.png'
_GREY = (96, 96, 96)


def write_data_set(reading: Reading, out: Path) -> list[str]:
    """Write `images` (links), `labels`, a mapping file and a contact sheet.

    Args:
        reading: Pictures and what makes their label maps.
        out: A folder that does not exist or is empty.

    Returns:
        How often each class occurs, a line each; and a warning where labels and pictures hardly
        belong together.

    Raises:
        UserError: The folder holds files, two pictures have one name, or there are not 2 to 255
            classes.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f'{out} holds something already: give another folder, or move it away')
    if not 2 <= len(reading.classes) <= IGNORE_INDEX:
        raise UserError(
            f'expected 2 to {IGNORE_INDEX} classes, got {len(reading.classes)}: '
            f'{", ".join(reading.classes[:5])}; --rest background makes one of all the rest'
        )
    twice = [n for n, k in Counter(p.name for p, _ in reading.images).items() if k > 1]
    if twice:
        raise UserError(
            f'two pictures are called {twice[0]}, apart from their suffixes: rename one'
        )
    suffixes = {picture.path.suffix for picture, _ in reading.images}
    # Readers look into files, so any suffix will do where there are several.
    suffix = suffixes.pop() if len(suffixes) == 1 else '.png'
    palette = palette_of(reading)
    counts: Counter[int] = Counter()
    for picture, labels in track(reading.images, 'labels'):
        drawn = labels()
        found, pixels = np.unique(drawn, return_counts=True)
        counts.update(dict(zip(found.tolist(), pixels.tolist(), strict=True)))
        save_picture(drawn, out / 'labels' / f'{picture.name}.png')
        place = out / 'images' / f'{picture.name}{suffix}'
        place.parent.mkdir(parents=True, exist_ok=True)
        link_or_copy(picture.path, place)
    write_mapping(reading.classes, palette, suffix, out / MAPPING)
    images = [Labelled(picture, labels) for picture, labels in reading.images]
    save_picture(contact_sheet(images, reading.classes, palette), out / SHEET)
    return [*_shares(counts, reading.classes), *fit_of(images).lines()]


def palette_of(reading: Reading) -> list[list[int]]:
    """Return a colour (RGB) for each class: its own, grey for a background, else a spread one."""
    spread = choose_palette(None, None, None, reading.classes) or []
    own = {**dict.fromkeys(BACKGROUND_NAMES, _GREY), **reading.colours}
    return [
        list(map(int, own.get(name, colour)))
        for name, colour in zip(reading.classes, spread, strict=True)
    ]


def write_mapping(
    classes: Sequence[str], palette: Sequence[Sequence[int]], suffix: str, path: Path
) -> None:
    """Write a mapping file of label maps that hold class indices.

    Args:
        classes: Names (C).
        palette: Colours (C, 3), RGB.
        suffix: End of the images' names.
        path: The file.
    """
    entries = [
        f'    {json.dumps(name, ensure_ascii=False)}: {{"labels": [{index}], "color": {colour}}}'
        for index, (name, colour) in enumerate(zip(classes, map(list, palette), strict=True))
    ]
    text = (
        f'{{\n  "images": "images",\n  "image_suffix": {json.dumps(suffix)},\n'
        '  "labels": "labels",\n  "classes": {\n' + ',\n'.join(entries) + '\n  }\n}\n'
    )
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding='utf-8')


def _shares(counts: Counter[int], classes: Sequence[str]) -> list[str]:
    total = max(counts.total(), 1)
    ignored = total - sum(counts[index] for index in range(len(classes)))
    lines = [f'{name}: {counts[i] / total:.2%} of the pixels' for i, name in enumerate(classes)]
    return [*lines, f'ignored: {ignored / total:.2%} of the pixels']
