_base_ = ['gta_synthia_to_cityscapes_acdc_512x512.py']
data = dict(
    train=dict(
        _delete_=True,
        type='UDADataset',
        source=dict(
            type='ConcatDataset',
            shares=[1, 1],
            datasets=[
                dict(
                    type='GTADataset',
                    data_root='data/gta/',
                    img_dir='images',
                    ann_dir='labels',
                    pipeline={{_base_.gta_train_pipeline}},
                ),
                dict(
                    type='SynthiaDataset',
                    data_root='data/synthia/',
                    img_dir='RGB',
                    ann_dir='GT/LABELS',
                    pipeline={{_base_.synthia_train_pipeline}},
                ),
            ],
        ),
        target=dict(
            type='ConcatDataset',
            shares=[1, 1],
            datasets=[
                dict(
                    type='CityscapesDataset',
                    data_root='data/cityscapes/',
                    img_dir='leftImg8bit/train',
                    ann_dir='gtFine/train',
                    crop_pseudo_margins=[30, 240, 30, 30],  # the sky's top, the car's bonnet
                    pipeline={{_base_.cityscapes_train_pipeline}},
                ),
                dict(
                    type='ACDCDataset',
                    data_root='data/acdc/',
                    img_dir='rgb_anon',
                    part='train',
                    crop_pseudo_margins=[0, 0, 0, 0],
                    pipeline={{_base_.acdc_train_pipeline}},
                ),
            ],
        ),
    )
)
