# DAFormer: DACS with the thing-class feature distance and a slower teacher.
_base_ = ['dacs_fdthings.py']
uda = dict(alpha=0.999)
