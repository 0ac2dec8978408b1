# Cityscapes as source and target: supervised training by the step of adaptation.
_base_ = ['parts/to_cityscapes_512x512.py']
source_train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='Resize', img_scale=(1024, 512)),
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
        type='CityscapesDataset',
        data_root={{_base_.data_root}},
        img_dir='leftImg8bit/train',
        ann_dir='gtFine/train',
        # Without adaptation, whose views are jittered, the photometry varies here.
        pipeline=[
            *source_train_pipeline[:5],
            dict(type='PhotoMetricDistortion'),
            *source_train_pipeline[5:],
        ],
    )
)
