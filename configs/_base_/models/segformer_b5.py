# SegFormer: MiT-B5 and a decoder of linear layers.
_base_ = ['parts/mitb5.py']
model = dict(
    decode_head=dict(
        type='SegFormerHead',
        channels=128,
        decoder_params=dict(embed_dim=768, conv_kernel_size=1),
    )
)
