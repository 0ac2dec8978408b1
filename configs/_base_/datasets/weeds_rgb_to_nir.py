# Crop and weed: colour photographs with labels, and near-infrared frames of a robot.
_base_ = ['parts/photographs_320x240.py']
data_root = 'data/weeds_rgb_to_nir/'
_classes = ['soil', 'crop', 'weed']
_palette = [[120, 80, 50], [0, 200, 0], [230, 0, 0]]
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
