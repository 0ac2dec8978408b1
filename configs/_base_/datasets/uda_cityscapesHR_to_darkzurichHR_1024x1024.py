_base_ = ['cityscapesHR_to_darkzurichHR_1024x1024.py']
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
            type='DarkZurichDataset',
            data_root={{_base_.data_root}},
            img_dir='rgb_anon/train/night',
            pipeline={{_base_.dark_zurich_train_pipeline}},
        ),
    )
)
