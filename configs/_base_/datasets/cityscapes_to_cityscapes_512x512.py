# Cityscapes as source and target: supervised training by the step of adaptation.
_base_ = ['cityscapes_half_512x512.py', 'parts/to_cityscapes_512x512.py']
