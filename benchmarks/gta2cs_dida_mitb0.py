# The paper's run with the smallest encoder: what benchmarks on a CPU train.
_base_ = ['../configs/dida/gta2cs_dida_rcs001_cpl_daformer_sepaspp_mitb5_poly10warm_s0.py']
model = dict(
    pretrained='pretrained/mit_b0.pth',
    backbone=dict(type='mit_b0'),
    decode_head=dict(in_channels=[32, 64, 160, 256]),
)
