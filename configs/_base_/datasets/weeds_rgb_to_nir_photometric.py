# The source in distorted colours, as mmsegmentation trains: what of adaptation is colour alone.
_base_ = ['weeds_rgb_to_nir.py']
data = dict(train=dict(pipeline={{_base_.photometric_train_pipeline}}))
