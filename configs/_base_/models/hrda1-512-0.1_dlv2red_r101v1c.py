# HRDA with DeepLabv2's head on ResNet-101: a stride of 8, so that cells of the context are 16 wide.
_base_ = ['deeplabv2red_r50-d8.py']
model = dict(
    type='HRDAEncoderDecoder',
    pretrained='open-mmlab://resnet101_v1c',
    backbone=dict(depth=101),
    decode_head=dict(
        type='HRDAHead',
        single_scale_head='DLV2Head',
        attention_classwise=True,
        hr_loss_weight=0.1,
    ),
    scales=[1, 0.5],
    hr_crop_size=[512, 512],
    feature_scale=0.5,
    crop_coord_divisible=8,
    hr_slide_inference=True,
    test_cfg=dict(mode='slide', batched_slide=True, stride=[512, 512], crop_size=[1024, 1024]),
)
