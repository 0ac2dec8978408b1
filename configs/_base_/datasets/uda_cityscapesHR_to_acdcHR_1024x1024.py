_base_ = ['cityscapesHR_to_acdcHR_1024x1024.py']
data = dict(
    train=dict(
        _delete_=True,
        type='UDADataset',
        source=dict(
            type='CityscapesDataset',
            data_root='data/cityscapes/',
            img_dir='leftImg8bit/train',
            ann_dir='gtFine/train',
            pipeline={{_base_.cityscapes_train_pipeline}},
        ),
        target=dict(
            type='ACDCDataset',
            data_root={{_base_.data_root}},
            img_dir='rgb_anon',
            part='train',
            pipeline={{_base_.acdc_train_pipeline}},
        ),
    )
)
