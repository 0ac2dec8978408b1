_base_ = ['gtaHR_to_cityscapesHR_1024x1024.py']
data = dict(
    train=dict(
        _delete_=True,
        type='UDADataset',
        source=dict(
            type='GTADataset',
            data_root='data/gta/',
            img_dir='images',
            ann_dir='labels',
            pipeline={{_base_.gta_train_pipeline}},
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
