# Two sources and two targets in one run; `sh run_exp.sh 22` generates the same.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/daformer_sepaspp_mitb5.py',
    '../_base_/datasets/uda_gta_synthia_to_cityscapes_acdc_512x512.py',
    '../_base_/uda/dida.py',
    '../_base_/schedules/adamw.py',
    '../_base_/schedules/poly10warm.py',
]
seed = 0
n_gpus = 1
model = dict(pretrained='pretrained/mit_b5.pth', backbone=dict(type='mit_b5'))
data = dict(
    samples_per_gpu=2,
    workers_per_gpu=4,
    train=dict(rare_class_sampling=dict(min_pixels=3000, class_temp=0.01, min_crop_ratio=0.5)),
)
optimizer_config = None  # DACS.train_step takes the optimizer's step itself.
optimizer = dict(
    lr=6e-05,
    paramwise_cfg=dict(
        custom_keys=dict(
            head=dict(lr_mult=10.0), pos_block=dict(decay_mult=0.0), norm=dict(decay_mult=0.0)
        )
    ),
)
runner = dict(type='IterBasedRunner', max_iters=40000)
checkpoint_config = dict(by_epoch=False, interval=1600, max_keep_ckpts=50)
evaluation = dict(interval=1600, metric='mIoU')
name = 'gta_syn2cs_acdc_dida_rcs001_daformer_sepaspp_mitb5_poly10warm_s0'
exp = 22
name_dataset = 'gta_synthia2cityscapes_acdc'
name_architecture = 'daformer_sepaspp_mitb5'
name_encoder = 'mitb5'
name_decoder = 'daformer_sepaspp'
name_uda = 'dida_rcs0.01'
name_opt = 'adamw_6e-05_pmTrue_poly10warm_1x2_40k'
