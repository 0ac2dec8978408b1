# MIC on DAFormer: masked target images, blocks as for images at half resolution.
_base_ = ['dacs_a999_fdthings.py']
uda = dict(
    mask_mode='separatetrgaug',
    mask_alpha='same',
    mask_pseudo_threshold='same',
    mask_lambda=1,
    mask_generator=dict(type='block', mask_ratio=0.7, mask_block_size=32),
)
