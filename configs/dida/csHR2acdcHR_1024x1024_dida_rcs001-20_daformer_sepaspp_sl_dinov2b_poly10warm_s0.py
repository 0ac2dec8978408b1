# DIDA on DINOv2 ViT-B/14, Cityscapes to ACDC, with VFM-UDA's rates; experiment 20.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/daformer_sepaspp_dinov2_vitb14.py',
    '../_base_/datasets/uda_cityscapesHR_to_acdcHR_1024x1024.py',
    '../_base_/uda/dida.py',
    '../_base_/schedules/adamw.py',
    '../_base_/schedules/poly10warm.py',
]
seed = 0
n_gpus = 1
model = dict(
    backbone={},
    decode_head={},
    test_cfg=dict(mode='slide', stride=[512, 512], crop_size=[1024, 1024]),
)
uda = dict(imnet_feature_dist_lambda=0)
data = dict(
    samples_per_gpu=8,
    workers_per_gpu=4,
    train=dict(rare_class_sampling=dict(min_pixels=3000, class_temp=0.01, min_crop_ratio=2.0)),
)
optimizer_config = None  # DACS.train_step takes the optimizer's step itself.
optimizer = dict(
    lr=5e-06, paramwise_cfg=dict(custom_keys=dict(head=dict(lr_mult=10.0), neck=dict(lr_mult=10.0)))
)
runner = dict(type='IterBasedRunner', max_iters=40000)
checkpoint_config = dict(by_epoch=False, interval=1600, max_keep_ckpts=50)
evaluation = dict(interval=1600, metric='mIoU')
name = 'csHR2acdcHR_1024x1024_dida_rcs001-20_daformer_sepaspp_sl_dinov2b_poly10warm_s0'
exp = 20
name_dataset = 'cityscapesHR2acdcHR_1024x1024'
name_architecture = 'daformer_sepaspp_sl_dinov2b'
name_encoder = 'dinov2b'
name_decoder = 'daformer_sepaspp_sl'
name_uda = 'dida_rcs0.01-2.0'
name_opt = 'adamw_5e-06_pmTrue_poly10warm_1x8_40k'
