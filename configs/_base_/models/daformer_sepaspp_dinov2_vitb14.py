# DAFormer on a plain transformer, DINOv2's ViT-B/14: strides 3.5 to 28 by a simple feature pyramid.
_base_ = ['daformer_sepaspp_mitb5.py']
model = dict(
    pretrained=None,
    backbone=dict(
        _delete_=True,
        type='TimmBackbone',
        model='vit_base_patch14_dinov2.lvd142m',
        pretrained='hub',
    ),
    neck=dict(type='SimpleFeaturePyramid', out_channels=256),
    decode_head=dict(in_channels=[256, 256, 256, 256]),
)
