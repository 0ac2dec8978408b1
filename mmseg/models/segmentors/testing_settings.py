"""What `test_cfg` of a segmentor may hold."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmseg.core.building import nearest
from mmseg.utils.errors import UserAssertionError, UserError

_MODES = ('whole', 'slide')
_WINDOW = ('crop_size', 'stride')
_BATCHED = 'batched_slide'
_SETTINGS = {'mode', *_WINDOW, _BATCHED}


def check_test_cfg(test_cfg: Mapping[str, Any]) -> dict[str, Any]:
    """Check the settings of testing.

    Args:
        test_cfg: `mode`, 'whole' or 'slide'; for 'slide' also `crop_size` and `stride`, (height,
            width) in pixels, or one number for both, and perhaps `batched_slide`.

    Returns:
        The same, with `crop_size` and `stride` as pairs.

    Raises:
        UserError: An unknown setting or mode, a missing window, one that is no positive whole
            number of pixels, a stride that would leave pixels between windows out, or a
            `batched_slide` that is neither True nor False.
    """
    for key in sorted(set(test_cfg) - _SETTINGS):
        raise UserError(f'test_cfg has no setting {key!r}; {nearest(key, _SETTINGS)}')
    mode = test_cfg.get('mode')
    if mode not in _MODES:
        raise UserAssertionError(f"test_cfg.mode is {mode!r}; expected 'whole' or 'slide'")
    checked = dict(test_cfg)
    for key in _WINDOW:
        if test_cfg.get(key) is not None:
            checked[key] = _pair(key, test_cfg[key])
        elif mode == 'slide':
            raise UserError("test_cfg: the mode 'slide' needs crop_size and stride")
        else:
            checked.pop(key, None)
    if set(_WINDOW) <= set(checked):
        _check_overlap(checked['crop_size'], checked['stride'])
    if not isinstance(checked.get(_BATCHED, False), bool):
        raise UserError(
            f'test_cfg.{_BATCHED} is {checked[_BATCHED]!r}; expected True, for the windows of a '
            'row as one batch, or False, for one by one'
        )
    return checked


def _pair(key: str, value: Any) -> tuple[int, int]:
    pair = (value, value) if isinstance(value, int) else value
    is_pair = isinstance(pair, Sequence) and not isinstance(pair, str) and len(pair) == 2
    if not is_pair or not all(type(side) is int and side > 0 for side in pair):
        raise UserError(
            f'test_cfg.{key} is {value!r}; expected height and width in pixels, whole numbers '
            'above 0 such as (512, 512)'
        )
    return (pair[0], pair[1])


def _check_overlap(window: Sequence[int], stride: Sequence[int]) -> None:
    if any(step > side for step, side in zip(stride, window, strict=True)):
        raise UserError(
            f'test_cfg.stride {tuple(stride)} is larger than crop_size {tuple(window)}: no window '
            'would see the pixels between; lower stride, two thirds of crop_size are usual'
        )
