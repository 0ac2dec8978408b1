# The dusk photographs with labels: the upper bound of adapting to them.
_base_ = ['camvid_day_to_camvid_dusk.py']
data = dict(
    train=dict(
        type='CityscapesDataset',
        data_root={{_base_.data_root}},
        img_dir='leftImg8bit/train',
        ann_dir='gtFine/train',
    )
)
