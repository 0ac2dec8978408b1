_base_ = ['cityscapes_to_cityscapes_512x512.py']
data = dict(
    train=dict(
        _delete_=True,
        type='UDADataset',
        source=dict(
            type='CityscapesDataset',
            data_root={{_base_.data_root}},
            img_dir='leftImg8bit/train',
            ann_dir='gtFine/train',
            pipeline={{_base_.source_train_pipeline}},
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
