import pytest

from mmseg.apis.checks.masks import check_block_size, cut_tokens, masks_hide_whole_tokens
from mmseg.utils.errors import UserError
from tests.apis.checks.runs import built, config_of, messages

VIT = {'type': 'TimmBackbone', 'model': 'test_vit'}  # timm's smallest, patches of 16


@pytest.mark.parametrize(('block', 'patch'), [(64, 16), (64, 32), (56, 14), (14, 14), (30, 1)])
def test_check_block_size__whole_patches_pass(block, patch):
    check_block_size(block, patch)


@pytest.mark.parametrize(
    ('block', 'patch', 'told'),
    [(64, 14, 'such as 56 or 70, got 64'), (8, 16, 'such as 16, got 8'), (17, 16, '16 or 32')],
)
def test_check_block_size__the_nearest_that_fit_are_named(block, patch, told):
    with pytest.raises(UserError, match=f'mask_block_size: expected a multiple of .* {told}'):
        check_block_size(block, patch)


def ends_within_a_token(block, patch, crop):
    """Whether neighbouring pixels of one token belong to two blocks, pixel by pixel."""
    return any(
        (i - 1) * round(side / block) // side != i * round(side / block) // side and i % patch
        for side in crop
        for i in range(1, side)
    )


@pytest.mark.parametrize(
    ('block', 'patch', 'crop'),
    [
        (64, 16, (512, 512)),
        (56, 14, (504, 560)),
        (14, 14, (518, 518)),
        (32, 16, (32, 48)),
        (48, 16, (512, 480)),
        (48, 16, (480, 512)),
        (64, 16, (96, 160)),
    ],
)
def test_cut_tokens__tells_whether_a_block_ends_within_a_token(block, patch, crop):
    told = cut_tokens(block, patch, crop)
    assert (told is not None) == ends_within_a_token(block, patch, crop)


def test_cut_tokens__blocks_that_a_crop_stretches_are_told_with_what_fits():
    told = cut_tokens(48, 16, (512, 512))
    assert '11 blocks of 46.5 pixels along 512' in told and 'take 32 or 64 there' in told
    told = cut_tokens(56, 14, (518, 518))
    assert '9 blocks of 57.6 pixels' in told and 'multiples of 56' in told and 'there' not in told


def said(folder, severity, block, **backbone):
    generator = {'type': 'block', 'mask_ratio': 0.7, 'mask_block_size': block}
    cfg = config_of(folder, uda=True)
    cfg.uda.update(mask_mode='separatetrg', mask_generator=generator, imnet_feature_dist_lambda=0)
    cfg.model.backbone = backbone or cfg.model.backbone
    if backbone:
        del cfg.model.decode_head['in_channels']
    return messages(masks_hide_whole_tokens, built(cfg), severity)


def test_masks__blocks_are_held_against_the_patches_of_a_run(tmp_path):
    with pytest.raises(UserError, match='patches of 16 pixels, such as 16 or 32, got 24'):
        said(tmp_path, 'error', 24, **VIT)
    assert said(tmp_path, 'warning', 16, **VIT) == []
    (line,) = said(tmp_path, 'warning', 32, **VIT)  # a crop of 32×48 is 1×2 blocks of 32×24
    assert '2 blocks of 24.0 pixels along 48' in line and 'take 16 there' in line


def test_masks__an_encoder_of_several_strides_takes_blocks_of_any_size(tmp_path):
    assert said(tmp_path, 'error', 18) == []
