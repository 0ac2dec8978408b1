_base_ = ['parts/cityscapesHR_to_1920x1080.py']
dataset_type = 'DarkZurichDataset'
data_root = 'data/dark_zurich/'
dark_zurich_train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', img_scale=(1920, 1080)),
    dict(type='RandomCrop', crop_size={{_base_.crop_size}}),
    dict(type='RandomFlip', prob=0.5),
    dict(
        type='Normalize',
        mean={{_base_.img_norm_cfg.mean}},
        std={{_base_.img_norm_cfg.std}},
        to_rgb={{_base_.img_norm_cfg.to_rgb}},
    ),
    dict(type='Pad', size={{_base_.crop_size}}, pad_val=0, seg_pad_val=255),
    dict(type='DefaultFormatBundle'),
    dict(type='Collect', keys=['img']),
]
data = dict(
    val=dict(
        type=dataset_type,
        data_root=data_root,
        img_dir='rgb_anon/val',
        ann_dir='gt/val',
        pipeline={{_base_.test_pipeline}},
    ),
    test=dict(
        type=dataset_type,
        data_root=data_root,
        img_dir='rgb_anon/val',
        ann_dir='gt/val',
        pipeline={{_base_.test_pipeline}},
    ),
)
