# MIC on HRDA, GTA to Cityscapes, as released; `sh run_exp.sh 80` generates all pairs.
_base_ = ['../hrda/gtaHR2csHR_hrda.py']
seed = 2
uda = dict(
    mask_mode='separatetrgaug',
    mask_alpha='same',
    mask_pseudo_threshold='same',
    mask_lambda=1,
    mask_generator=dict(type='block', mask_ratio=0.7, mask_block_size=64, _delete_=True),
)
name = 'gtaHR2csHR_mic_hrda_s2'
name_uda = 'dacs_a999_fdthings_rcs0.01-2.0_cpl2_m64-0.7-spta'
