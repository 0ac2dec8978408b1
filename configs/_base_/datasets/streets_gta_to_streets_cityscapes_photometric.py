# The source in distorted colours, as mmsegmentation trains: what of adaptation is colour alone.
_base_ = ['streets_gta_to_streets_cityscapes.py']
data = dict(train=dict(pipeline={{_base_.photometric_train_pipeline}}))
