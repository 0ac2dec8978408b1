"""Windows in which images larger than a training crop go through a network.

Tests, the demo, its web page and exported networks all cut images by what stands here.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

# What of a window its neighbour does not see, where a config sets no stride: two thirds.
_NEW_SHARE = (2, 3)


def training_crop(cfg: Any) -> tuple[int, int] | None:
    """Return the height and width of the crops that a config trains on.

    Args:
        cfg: A whole config, whose `data.train.sync_crop_size`, `crop_size` or first `RandomCrop`
            in `data.train` tells.

    Returns:
        Height and width in pixels; None where there are none.
    """
    train = (cfg.get('data') or {}).get('train')
    second = train.get('sync_crop_size') if isinstance(train, Mapping) else None
    crop = second or cfg.get('crop_size') or next(_crops(train), None)
    try:
        height, width = _pair(crop)
    except (TypeError, ValueError):  # none, or something else under that name
        return None
    return (height, width) if min(height, width) > 0 else None


def with_windows(test_cfg: Mapping[str, Any] | None, crop: Sequence[int] | None) -> dict[str, Any]:
    """Complete the settings of testing by windows that follow the training crop.

    Args:
        test_cfg: `mode` ('whole' where it is None) and perhaps `crop_size` and `stride`, which
            stay as they are.
        crop: Height and width of the training crop in pixels; None where it is not known.

    Returns:
        The settings with `crop_size` and `stride`, as far as they can be told. Windows overlap by
        a third of their sides.

    >>> with_windows({'mode': 'slide'}, (512, 768))
    {'crop_size': (512, 768), 'stride': (341, 512), 'mode': 'slide'}
    """
    settings = test_cfg or {'mode': 'whole'}
    given = {key: value for key, value in settings.items() if value is not None}
    window = given.get('crop_size', crop)
    if window is None:
        return dict(settings)
    try:
        stride = tuple(max(side * _NEW_SHARE[0] // _NEW_SHARE[1], 1) for side in _pair(window))
    except (TypeError, ValueError):  # the network that gets them tells what is wrong
        return given
    return {'crop_size': window, 'stride': stride, **given}


def window_starts(length: int, window: int, stride: int) -> list[int]:
    """Tell where windows begin so that they cover a side of an image.

    Args:
        length: Pixels of the side.
        window: Pixels of a window; a side that is shorter is one window of its own length.
        stride: Pixels from a window to the next, at most `window`.

    Returns:
        First pixels, ascending; the last window is moved back inside.

    >>> window_starts(100, 40, 30), window_starts(30, 40, 30)
    ([0, 30, 60], [0])
    """
    num_windows = max(length - window + stride - 1, 0) // stride + 1
    return [max(min(i * stride, length - window), 0) for i in range(num_windows)]


def window_slices(
    size: Sequence[int], window: Sequence[int], stride: Sequence[int]
) -> tuple[list[slice], list[slice]]:
    """Return the rows and the columns of the windows that cover an image of `size`, h×w."""
    rows, columns = (
        [slice(start, min(start + side, length)) for start in window_starts(length, side, step)]
        for length, side, step in zip(size, window, stride, strict=True)
    )
    return rows, columns


def _pair(size: Any) -> tuple[int, int]:
    height, width = (size, size) if isinstance(size, int) else size
    return int(height), int(width)


def _crops(part: Any) -> Iterator[Any]:
    """Yield the sizes of all random crops in a part of a config."""
    if isinstance(part, Mapping):
        if part.get('type') == 'RandomCrop' and 'crop_size' in part:
            yield part['crop_size']
        part = list(part.values())
    if isinstance(part, list | tuple):
        for inner in part:
            yield from _crops(inner)
