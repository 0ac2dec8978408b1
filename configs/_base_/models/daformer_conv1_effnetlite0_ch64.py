# EfficientNet-Lite0, its stages fused by a 1×1 convolution of 64 channels: the quickest on a CPU.
_base_ = ['daformer_conv1_mitb5.py']
model = dict(
    pretrained=None,
    backbone=dict(
        _delete_=True,
        type='TimmBackbone',
        model='tf_efficientnet_lite0',
        pretrained='package',
        norm_eval=True,
    ),
    decode_head=dict(
        in_channels=[24, 40, 112, 320], channels=64, decoder_params=dict(embed_dims=64)
    ),
)
