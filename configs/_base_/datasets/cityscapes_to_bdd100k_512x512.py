# BDD100K as it is unpacked: its labels come with train ids.
_base_ = ['parts/cityscapes_to_960x540.py', 'parts/classes_of_cityscapes.py']
bdd100k_train_pipeline = [
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
_val = dict(
    type='CustomDataset',
    data_root='data/bdd100k/',
    img_dir='images/10k/val',
    img_suffix='.jpg',
    ann_dir='labels/sem_seg/masks/val',
    seg_map_suffix='.png',
    classes={{_base_._classes}},
    palette={{_base_._palette}},
    pipeline={{_base_.test_pipeline}},
)
data = dict(val=_val, test=_val)
