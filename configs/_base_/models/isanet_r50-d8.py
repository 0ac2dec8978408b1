# ISANet: interlaced sparse self-attention.
_base_ = ['parts/resnet50_v1c-d8.py']
model = dict(
    decode_head=dict(
        type='ISAHead',
        channels=512,
        isa_channels=256,
        down_factor=(8, 8),
        dropout_ratio=0.1,
        norm_cfg={{_base_.norm_cfg}},
    )
)
