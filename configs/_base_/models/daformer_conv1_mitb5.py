# DAFormer without context: the stages are fused by a 1×1 convolution.
_base_ = ['daformer_sepaspp_mitb5.py']
model = dict(
    decode_head=dict(
        decoder_params=dict(
            fusion_cfg=dict(
                _delete_=True,
                type='conv',
                kernel_size=1,
                act_cfg=dict(type='ReLU'),
                norm_cfg={{_base_.norm_cfg}},
            ),
        )
    )
)
