"""Names of many things, told apart in few words."""

from collections.abc import Sequence


def distinct_parts(names: Sequence[str]) -> list[str]:
    """Return the names without the words (between underscores) that all start and end with."""
    split = [name.split('_') for name in names]
    shortest = min(map(len, split))
    start, end = 0, 0
    if len(set(names)) > 1:
        while start < shortest - 1 and len({words[start] for words in split}) == 1:
            start += 1
        while start + end < shortest - 1 and len({words[-1 - end] for words in split}) == 1:
            end += 1
    return ['_'.join(words[start : len(words) - end]) for words in split]
