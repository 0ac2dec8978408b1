# The photographs by day with labels: the upper bound of adapting to them.
_base_ = ['game_to_camvid.py']
data = dict(
    train=dict(
        data_root='data/game_to_camvid/target',
        img_dir='images/train',
        ann_dir='labels/train',
    ),
)
