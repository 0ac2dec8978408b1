# The name under which HRDA's experiments have it.
_base_ = ['cityscapes_half_512x512.py']
