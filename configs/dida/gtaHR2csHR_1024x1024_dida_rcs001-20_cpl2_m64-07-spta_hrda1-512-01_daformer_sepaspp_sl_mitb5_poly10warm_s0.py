# DIDA on HRDA with MIC, GTA to Cityscapes; `sh run_exp.sh 86` generates the same.
_base_ = [
    'gtaHR2csHR_1024x1024_dida_rcs001-20_cpl2_hrda1-512-01_daformer_sepaspp_sl_mitb5_poly10warm_s0.py'
]
uda = dict(
    mask_mode='separatetrgaug',
    mask_alpha='same',
    mask_pseudo_threshold='same',
    mask_lambda=1,
    mask_generator=dict(type='block', mask_ratio=0.7, mask_block_size=64, _delete_=True),
)
name = (
    'gtaHR2csHR_1024x1024_dida_rcs001-20_cpl2_m64-07-spta'
    '_hrda1-512-01_daformer_sepaspp_sl_mitb5_poly10warm_s0'
)
name_uda = 'dida_rcs0.01-2.0_cpl2_m64-0.7-spta'
