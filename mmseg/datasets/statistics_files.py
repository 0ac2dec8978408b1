"""The names of what converters write, and what the class statistics look like inside."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmseg.utils.atomic import atomic_path

# End of a converted label's name.
CONVERTED = '_labelTrainIds.png'
# The mapping that own labels were converted with.
USED_MAPPING = 'converted_with.json'
STATS_FILE = 'sample_class_stats.json'
STATS_DICT_FILE = 'sample_class_stats_dict.json'
SAMPLES_WITH_CLASS_FILE = 'samples_with_class.json'


def write_statistics(out_dir: Path, pixels_of: Mapping[str, Mapping[str, int]]) -> None:
    """Write the three files that rare class sampling reads.

    Args:
        out_dir: Folder to write to.
        pixels_of: Label file → class → number of pixels.
    """
    ordered = {file.replace('\\', '/'): dict(pixels_of[file]) for file in sorted(pixels_of)}
    with_class: dict[str, list[tuple[str, int]]] = {}
    for file, pixels in ordered.items():
        for label, count in pixels.items():
            with_class.setdefault(label, []).append((file, count))
    contents = {
        STATS_DICT_FILE: ordered,
        SAMPLES_WITH_CLASS_FILE: with_class,
        # Last, because its presence says that all is done.
        STATS_FILE: [{**pixels, 'file': file} for file, pixels in ordered.items()],
    }
    for name, content in contents.items():
        with atomic_path(out_dir / name) as temporary:
            temporary.write_text(json.dumps(content))


def _is_stats(content: Any) -> bool:
    return isinstance(content, list) and all(
        isinstance(entry, dict)
        and isinstance(entry.get('file'), str)
        and all(_is_class(c) and isinstance(n, int) for c, n in entry.items() if c != 'file')
        for entry in content
    )


def _is_samples_with_class(content: Any) -> bool:
    return isinstance(content, dict) and all(
        _is_class(c)
        and isinstance(entries, list)
        and all(isinstance(e, list) and [type(part) for part in e] == [str, int] for e in entries)
        for c, entries in content.items()
    )


def _is_class(key: str) -> bool:
    return key.removeprefix('-').isdecimal()


IS_WELL_FORMED = {STATS_FILE: _is_stats, SAMPLES_WITH_CLASS_FILE: _is_samples_with_class}
