# UPerNet on MiT-B5.
_base_ = ['parts/mitb5.py']
model = dict(decode_head=dict(type='UPerHead', pool_scales=(1, 2, 3, 6), channels=512))
