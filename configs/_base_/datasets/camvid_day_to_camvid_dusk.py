_base_ = ['parts/photographs_320x240.py']
data_root = 'data/camvid_dusk/'
# The training classes that the photographs label; the means are taken over these.
eval_classes = [
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
data = dict(
    samples_per_gpu=2,
    workers_per_gpu=1,
    train=dict(
        type='GTADataset',
        data_root='data/camvid_day/',
        img_dir='images',
        ann_dir='labels',
        pipeline={{_base_.source_train_pipeline}},
    ),
    val=dict(
        type='CityscapesDataset',
        data_root=data_root,
        img_dir='leftImg8bit/val',
        ann_dir='gtFine/val',
        pipeline={{_base_.test_pipeline}},
        eval_classes=eval_classes,
    ),
    test=dict(
        type='CityscapesDataset',
        data_root=data_root,
        img_dir='leftImg8bit/val',
        ann_dir='gtFine/val',
        pipeline={{_base_.test_pipeline}},
        eval_classes=eval_classes,
    ),
)
