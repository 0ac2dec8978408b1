# DIDA as it measured best on drawn scenes (docs/results.md); dida.py is as published.
_base_ = ['dida.py']
uda = dict(
    instance=dict(
        form='softmax',
        temperature=0.05,
        smoothing=0.5,
        pixel_weights='pseudo_label',
    )
)
