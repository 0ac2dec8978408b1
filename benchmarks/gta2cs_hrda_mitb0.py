# HRDA with the smallest encoder: what benchmarks on a CPU train.
_base_ = ['../configs/hrda/gtaHR2csHR_hrda.py']
model = dict(
    pretrained='pretrained/mit_b0.pth',
    backbone=dict(type='mit_b0'),
    decode_head=dict(in_channels=[32, 64, 160, 256]),
)
