# DANet: attention among positions and among channels.
_base_ = ['parts/resnet50_v1c-d8.py']
model = dict(
    decode_head=dict(
        type='DAHead',
        channels=512,
        pam_channels=64,
        dropout_ratio=0.1,
        norm_cfg={{_base_.norm_cfg}},
    )
)
