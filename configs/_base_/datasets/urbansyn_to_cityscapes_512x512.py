# UrbanSyn, converted by configs/mappings/urbansyn.json, which has the camera of Cityscapes.
_base_ = ['parts/to_cityscapes_512x512.py', 'parts/classes_of_cityscapes.py']
urbansyn_train_pipeline = [
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
        type='CustomDataset',
        data_root='data/urbansyn/',
        img_dir='rgb',
        img_suffix='.png',
        ann_dir='ss',
        seg_map_suffix='_labelTrainIds.png',
        classes={{_base_._classes}},
        palette={{_base_._palette}},
        # Without adaptation, whose views are jittered, the photometry varies here.
        pipeline=[
            *urbansyn_train_pipeline[:5],
            dict(type='PhotoMetricDistortion'),
            *urbansyn_train_pipeline[5:],
        ],
    )
)
