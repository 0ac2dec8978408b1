lr_config = dict(policy='poly', power=1.0, min_lr=0.0, by_epoch=False)
