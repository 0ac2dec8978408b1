# DIDA on DINOv2 ViT-L/14, Cityscapes to ACDC, with VFM-UDA's rates; experiment 20.
_base_ = ['csHR2acdcHR_1024x1024_dida_rcs001-20_daformer_sepaspp_sl_dinov2b_poly10warm_s0.py']
model = dict(
    backbone=dict(model='vit_large_patch14_dinov2.lvd142m'),
)
name = 'csHR2acdcHR_1024x1024_dida_rcs001-20_daformer_sepaspp_sl_dinov2l_poly10warm_s0'
name_architecture = 'daformer_sepaspp_sl_dinov2l'
name_encoder = 'dinov2l'
