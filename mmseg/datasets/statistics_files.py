"""The names of what converters write, and what the class statistics look like inside."""

from typing import Any

# End of a converted label's name.
CONVERTED = '_labelTrainIds.png'
# The mapping that own labels were converted with.
USED_MAPPING = 'converted_with.json'
STATS_FILE = 'sample_class_stats.json'
STATS_DICT_FILE = 'sample_class_stats_dict.json'
SAMPLES_WITH_CLASS_FILE = 'samples_with_class.json'


def _is_stats(content: Any) -> bool:
    return isinstance(content, list) and all(
        isinstance(entry, dict)
        and isinstance(entry.get('file'), str)
        and all(_is_class(c) and isinstance(n, int) for c, n in entry.items() if c != 'file')
        for entry in content
    )


def _is_samples_with_class(content: Any) -> bool:
    return isinstance(content, dict) and all(
        _is_class(c) and isinstance(entries, list) and all(map(_is_file_with_count, entries))
        for c, entries in content.items()
    )


def _is_class(key: str) -> bool:
    return key.removeprefix('-').isdecimal()


def _is_file_with_count(entry: Any) -> bool:
    return isinstance(entry, list) and [type(part) for part in entry] == [str, int]


IS_WELL_FORMED = {STATS_FILE: _is_stats, SAMPLES_WITH_CLASS_FILE: _is_samples_with_class}
