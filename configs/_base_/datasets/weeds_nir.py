# The robot's frames with labels: the upper bound of adapting to them.
_base_ = ['weeds_rgb_to_nir.py']
data = dict(
    train=dict(
        data_root='data/weeds_rgb_to_nir/target',
        img_dir='images/train',
        ann_dir='labels/train',
    ),
)
