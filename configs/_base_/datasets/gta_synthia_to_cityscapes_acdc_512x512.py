# From two sources to two targets: Synthia has 16 of the 19 classes.
_base_ = ['parts/to_cityscapes_512x512.py']
gta_train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='Resize', img_scale=(1280, 720)),
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
synthia_train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='Resize', img_scale=(1280, 760)),
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
acdc_train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', img_scale=(960, 540)),
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
acdc_test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(
        type='MultiScaleFlipAug',
        img_scale=(960, 540),
        flip=False,
        transforms=[
            dict(type='Resize', keep_ratio=True),
            dict(type='RandomFlip'),
            dict(
                type='Normalize',
                mean={{_base_.img_norm_cfg.mean}},
                std={{_base_.img_norm_cfg.std}},
                to_rgb={{_base_.img_norm_cfg.to_rgb}},
            ),
            dict(type='ImageToTensor', keys=['img']),
            dict(type='Collect', keys=['img']),
        ],
    ),
]
_val = dict(
    _delete_=True,
    type='ConcatDataset',  # mIoU of all images, 0_mIoU of Cityscapes, 1_mIoU of ACDC
    datasets=[
        dict(
            type='CityscapesDataset',
            data_root='data/cityscapes/',
            img_dir='leftImg8bit/val',
            ann_dir='gtFine/val',
            pipeline={{_base_.test_pipeline}},
        ),
        dict(
            type='ACDCDataset',
            data_root='data/acdc/',
            img_dir='rgb_anon',
            ann_dir='gt',
            part='val',
            pipeline=acdc_test_pipeline,
        ),
    ],
)
data = dict(
    train=dict(
        type='ConcatDataset',
        shares=[1, 1],
        # Without adaptation, whose views are jittered, the photometry varies here.
        datasets=[
            dict(
                type='GTADataset',
                data_root='data/gta/',
                img_dir='images',
                ann_dir='labels',
                pipeline=[
                    *gta_train_pipeline[:5],
                    dict(type='PhotoMetricDistortion'),
                    *gta_train_pipeline[5:],
                ],
            ),
            dict(
                type='SynthiaDataset',
                data_root='data/synthia/',
                img_dir='RGB',
                ann_dir='GT/LABELS',
                pipeline=[
                    *synthia_train_pipeline[:5],
                    dict(type='PhotoMetricDistortion'),
                    *synthia_train_pipeline[5:],
                ],
            ),
        ],
    ),
    val=_val,
    test=_val,
)
