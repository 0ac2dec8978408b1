_base_ = ['parts/to_cityscapesHR_1024x1024.py']
synthia_train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='Resize', img_scale=(2560, 1520)),
    dict(type='RandomCrop', crop_size={{_base_.crop_size}}, cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5),
    dict(
        type='Normalize',
        mean={{_base_.img_norm_cfg.mean}},
        std={{_base_.img_norm_cfg.std}},
        to_rgb={{_base_.img_norm_cfg.to_rgb}},
    ),
    dict(type='Pad', size={{_base_.crop_size}}, pad_val=0, seg_pad_val=255),
    dict(type='DefaultFormatBundle'),
    dict(type='Collect', keys=['img', 'gt_semantic_seg']),
]
data = dict(
    train=dict(
        type='SynthiaDataset',
        data_root='data/synthia/',
        img_dir='RGB',
        ann_dir='GT/LABELS',
        # Without adaptation, whose views are jittered, the photometry varies here.
        pipeline=[
            *synthia_train_pipeline[:5],
            dict(type='PhotoMetricDistortion'),
            *synthia_train_pipeline[5:],
        ],
    )
)
