# The drawn scenes of the Cityscapes domain with labels: the upper bound of adapting to them.
_base_ = ['streets_gta_to_streets_cityscapes.py']
data = dict(
    train=dict(
        type='CityscapesDataset',
        data_root={{_base_.data_root}},
        img_dir='leftImg8bit/train',
        ann_dir='gtFine/train',
    )
)
