_base_ = ['synthiaHR_to_cityscapesHR_1024x1024.py']
data = dict(
    train=dict(
        _delete_=True,
        type='UDADataset',
        source=dict(
            type='SynthiaDataset',
            data_root='data/synthia/',
            img_dir='RGB',
            ann_dir='GT/LABELS',
            pipeline={{_base_.synthia_train_pipeline}},
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
