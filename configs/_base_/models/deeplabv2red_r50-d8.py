# DeepLabv2 with two dilations, the form that earlier adaptation methods were measured with.
_base_ = ['deeplabv2_r50-d8.py']
model = dict(decode_head=dict(dilations=(6, 12)))
