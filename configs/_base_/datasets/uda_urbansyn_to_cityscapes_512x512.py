_base_ = ['urbansyn_to_cityscapes_512x512.py']
data = dict(
    train=dict(
        _delete_=True,
        type='UDADataset',
        source=dict(
            type='CustomDataset',
            data_root='data/urbansyn/',
            img_dir='rgb',
            img_suffix='.png',
            ann_dir='ss',
            seg_map_suffix='_labelTrainIds.png',
            classes={{_base_._classes}},
            palette={{_base_._palette}},
            pipeline={{_base_.urbansyn_train_pipeline}},
        ),
        target=dict(
            type='CityscapesDataset',
            data_root={{_base_.data_root}},
            img_dir='leftImg8bit/train',
            ann_dir='gtFine/train',
            pipeline={{_base_.cityscapes_train_pipeline}},
        ),
    )
)
