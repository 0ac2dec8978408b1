_base_ = ['cityscapes_to_bdd100k_512x512.py']
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
            type='CustomDataset',
            data_root='data/bdd100k/',
            img_dir='images/10k/train',
            img_suffix='.jpg',
            classes={{_base_._classes}},
            palette={{_base_._palette}},
            pipeline={{_base_.bdd100k_train_pipeline}},
        ),
    )
)
