# DAFormer: MiT-B5 and a context-aware fusion by depthwise separable ASPP.
_base_ = ['parts/mitb5.py']
model = dict(
    decode_head=dict(
        type='DAFormerHead',
        channels=256,
        decoder_params=dict(
            embed_dims=256,
            embed_cfg=dict(type='mlp', act_cfg=None, norm_cfg=None),
            embed_neck_cfg=dict(type='mlp', act_cfg=None, norm_cfg=None),
            fusion_cfg=dict(
                type='aspp',
                sep=True,
                dilations=(1, 6, 12, 18),
                pool=False,
                act_cfg=dict(type='ReLU'),
                norm_cfg={{_base_.norm_cfg}},
            ),
        ),
    )
)
