# HRDA with DAFormer's head on the small MiT-B0.
_base_ = ['hrda1-512-0.1_daformer_sepaspp_mitb5.py']
model = dict(
    pretrained='pretrained/mit_b0.pth',
    backbone=dict(type='mit_b0'),
    decode_head=dict(in_channels=[32, 64, 160, 256]),
)
