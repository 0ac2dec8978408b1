# DeepLabv2: a sum of four dilated classifiers.
_base_ = ['parts/resnet50_v1c-d8.py']
model = dict(decode_head=dict(type='DLV2Head', dilations=(6, 12, 18, 24)))
