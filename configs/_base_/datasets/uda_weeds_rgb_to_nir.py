_base_ = ['weeds_rgb_to_nir.py']
data = dict(
    train=dict(
        _delete_=True,
        type='UDADataset',
        source={{_base_.data.train}},
        target=dict(
            type='CustomDataset',
            data_root='data/weeds_rgb_to_nir/target',
            img_dir='images/train',
            img_suffix='.jpg',
            classes={{_base_.data.val.classes}},
            palette={{_base_.data.val.palette}},
            pipeline={{_base_.target_train_pipeline}},
        ),
    )
)
