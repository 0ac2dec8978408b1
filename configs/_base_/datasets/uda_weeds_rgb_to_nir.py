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
            classes={{_base_.classes}},
            palette={{_base_.palette}},
            pipeline={{_base_.target_train_pipeline}},
        ),
    )
)
