# DIDA as it measured best on drawn scenes (docs/results.md); dida.py is as published.
_base_ = ['dida.py']
uda = dict(
    instance=dict(
        momentum_ramps=True,
        form='softmax',
        temperature=0.1,
        smoothing=0.9,
        pixel_weights='pseudo_label',
        labelled_weight=0.5,
    )
)
