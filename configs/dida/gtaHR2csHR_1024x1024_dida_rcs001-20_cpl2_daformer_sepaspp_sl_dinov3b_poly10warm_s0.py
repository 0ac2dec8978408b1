# DIDA on DINOv3 ViT-B/16, GTA to Cityscapes, with VFM-UDA's rates; experiment 20.
_base_ = ['gtaHR2csHR_1024x1024_dida_rcs001-20_cpl2_daformer_sepaspp_sl_dinov2b_poly10warm_s0.py']
model = dict(
    backbone=dict(model='vit_base_patch16_dinov3.lvd1689m'),
)
name = 'gtaHR2csHR_1024x1024_dida_rcs001-20_cpl2_daformer_sepaspp_sl_dinov3b_poly10warm_s0'
name_architecture = 'daformer_sepaspp_sl_dinov3b'
name_encoder = 'dinov3b'
