"""Networks of two scales by the published names of their architectures.

`hrda1-<detail crop>-<λ_d>[-option…]_<decoder>`; a decoder that ends in `_sl` is tested in windows.
"""

from typing import Any

from mmseg.utils.errors import UserError

# Option of an architecture → what it sets in the model and in its head.
_OPTIONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    'fixedatt': ({}, {'fixed_attention': 0.5}),
    'singleatt': ({}, {'attention_classwise': False}),
    'nooverlap': ({'hr_slide_overlapping': False}, {}),
    'blurhr': ({'blur_hr_crop': True}, {}),
    'samescale': ({'scales': [1, 1], 'feature_scale': 1}, {}),
}
_SINGLE_SCALE_HEADS = {'daformer': 'DAFormerHead', 'dlv2red': 'DLV2Head'}


def split_decoder(name: str) -> tuple[str, str, bool]:
    """Split a decoder's name.

    Returns:
        That of the two scales ('' for a network of one), that of the decoder itself, and whether
        it is tested in windows.

    >>> split_decoder('hrda1-512-0.1_daformer_sepaspp_sl')
    ('hrda1-512-0.1', 'daformer_sepaspp', True)
    """
    scales, rest = name.split('_', 1) if name.startswith('hrda1-') else ('', name)
    return scales, rest.removesuffix('_sl'), rest.endswith('_sl')


def two_scales(name: str, decoder: str, crop: int, has_distance: bool) -> dict[str, Any]:
    """Return what a network of two scales sets in the `model` of a config.

    Args:
        name: 'hrda1-512-0.1' for example, perhaps with options.
        decoder: The decoder that both scales share.
        crop: Side of the training crop in pixels.
        has_distance: Whether the run has a feature distance.

    Raises:
        UserError: An option or the decoder is not known.
    """
    _, detail, weight, *options = name.split('-')
    kind = decoder.partition('_')[0]
    if kind not in _SINGLE_SCALE_HEADS:
        known = ', '.join(_SINGLE_SCALE_HEADS)
        raise UserError(f'two scales are published with {known}, not with {decoder!r}')
    side = int(detail)
    head: dict[str, Any] = {
        'single_scale_head': _SINGLE_SCALE_HEADS[kind],
        'type': 'HRDAHead',
        'attention_classwise': True,
        'hr_loss_weight': float(weight),
    }
    model: dict[str, Any] = {
        'type': 'HRDAEncoderDecoder',
        'scales': [1, 0.5],
        'hr_crop_size': [side, side],
        'feature_scale': 0.5,
        'crop_coord_divisible': 8,
        'hr_slide_inference': True,
    }
    if crop == side:
        # The detail covers the context, which is never supervised alone otherwise.
        head['lr_loss_weight'] = float(weight)
        if has_distance:
            model['feature_scale'] = 'all'
    for option in options:
        if option.startswith('sc'):
            model['scales'] = [1, float(option[2:])]
            continue
        if option not in _OPTIONS:
            raise UserError(f'{name}: there is no option {option!r}; {", ".join(_OPTIONS)}, sc…')
        in_model, in_head = _OPTIONS[option]
        model |= in_model
        head |= in_head
    return {**model, 'decode_head': head}


def windows(crop: int, is_batched: bool) -> dict[str, Any]:
    """Return the settings of testing in windows of the training crop, by half of it."""
    batched = {'batched_slide': True} if is_batched else {}
    return {'mode': 'slide', **batched, 'stride': [crop // 2] * 2, 'crop_size': [crop] * 2}
