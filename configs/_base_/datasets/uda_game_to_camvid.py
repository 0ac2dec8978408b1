_base_ = ['game_to_camvid.py']
data = dict(
    train=dict(
        _delete_=True,
        type='UDADataset',
        source={{_base_.data.train}},
        target=dict(
            type='CustomDataset',
            data_root='data/game_to_camvid/target',
            img_dir='images/train',
            img_suffix='.jpg',
            classes={{_base_.data.val.classes}},
            palette={{_base_.data.val.palette}},
            pipeline={{_base_.target_train_pipeline}},
        ),
    )
)
