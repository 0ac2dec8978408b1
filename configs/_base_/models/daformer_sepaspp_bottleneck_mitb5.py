# DAFormer with the ASPP on the last stage alone, as in DeepLabv3+.
_base_ = ['daformer_conv1_mitb5.py']
model = dict(
    decode_head=dict(
        decoder_params=dict(
            embed_neck_cfg=dict(
                _delete_=True,
                type='rawconv_and_aspp',
                kernel_size=1,
                sep=True,
                dilations=(1, 6, 12, 18),
                pool=False,
                act_cfg=dict(type='ReLU'),
                norm_cfg={{_base_.norm_cfg}},
            ),
        )
    )
)
