lr_config = dict(policy='poly', power=1.0, min_lr=1e-4, by_epoch=False)
# As published: min_lr is above AdamW's 6e-5, so that the encoder's rate rises to it.
lr_may_rise = 1e-4
