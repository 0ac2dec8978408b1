# MiT-B0, its stages fused by a 1×1 convolution of 64 channels: the quickest to train on a CPU.
_base_ = ['daformer_conv1_mitb5.py']
model = dict(
    pretrained='pretrained/mit_b0.pth',
    backbone=dict(type='mit_b0'),
    decode_head=dict(
        in_channels=[32, 64, 160, 256], channels=64, decoder_params=dict(embed_dims=64)
    ),
)
