# SegFormer's decoder on a dilated ResNet-101.
_base_ = ['parts/resnet50_v1c-d8.py']
find_unused_parameters = True
model = dict(
    pretrained='open-mmlab://resnet101_v1c',
    backbone=dict(depth=101),
    decode_head=dict(
        type='SegFormerHead',
        in_channels=[256, 512, 1024, 2048],
        in_index=[0, 1, 2, 3],
        channels=128,
        dropout_ratio=0.1,
        norm_cfg={{_base_.norm_cfg}},
        decoder_params=dict(embed_dim=768, conv_kernel_size=1),
    ),
)
