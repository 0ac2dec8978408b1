# Rendered streets with labels, and photographs of streets by day (CamVid).
_base_ = ['parts/photographs_320x240.py']
data_root = 'data/game_to_camvid/'
_classes = [
    'road',
    'sidewalk',
    'building',
    'fence',
    'pole',
    'traffic sign',
    'vegetation',
    'sky',
    'person',
    'rider',
    'car',
]
_palette = [
    [128, 64, 128],
    [244, 35, 232],
    [70, 70, 70],
    [190, 153, 153],
    [153, 153, 153],
    [220, 220, 0],
    [107, 142, 35],
    [70, 130, 180],
    [220, 20, 60],
    [255, 0, 0],
    [0, 0, 142],
]
_common = dict(
    type='CustomDataset',
    img_suffix='.jpg',
    seg_map_suffix='_labelTrainIds.png',
    classes=_classes,
    palette=_palette,
)
_val = dict(
    data_root=data_root + 'target',
    img_dir='images/val',
    ann_dir='labels/val',
    pipeline={{_base_.test_pipeline}},
    **_common,
)
data = dict(
    samples_per_gpu=2,
    workers_per_gpu=1,
    train=dict(
        data_root=data_root + 'source',
        img_dir='images',
        ann_dir='labels',
        pipeline={{_base_.source_train_pipeline}},
        **_common,
    ),
    val=_val,
    test=_val,
)
