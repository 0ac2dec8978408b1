# The source in distorted colours, as mmsegmentation trains: what of adaptation is colour alone.
_base_ = ['camvid_day_to_camvid_dusk.py']
data = dict(train=dict(pipeline={{_base_.photometric_train_pipeline}}))
