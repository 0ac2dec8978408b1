_base_ = ['camvid_day_to_camvid_dusk.py']
data = dict(
    train=dict(
        _delete_=True,
        type='UDADataset',
        source={{_base_.data.train}},
        target=dict(
            type='CityscapesDataset',
            data_root={{_base_.data_root}},
            img_dir='leftImg8bit/train',
            pipeline={{_base_.target_train_pipeline}},
        ),
    )
)
