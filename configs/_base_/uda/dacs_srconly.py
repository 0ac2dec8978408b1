# Supervised training on the source by the step of adaptation, for masked consistency alone.
_base_ = ['dacs.py']
uda = dict(source_only=True)
