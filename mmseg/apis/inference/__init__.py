"""The door to trained networks: what tests, demo, web page, report and comparisons ask.

`init_segmentor` loads a network. Of single images `inference_segmentor` tells the classes and
`Segmenter` how sure the network is of them too; `predict` goes through a data set. All of them ask
the network by `decide`.
"""

from .datasets import Prediction, predict
from .decisions import decide, decide_samples
from .images import (
    LoadImage,
    Segmentation,
    Segmenter,
    inference_segmentor,
    show_result_pyplot,
    test_pipeline,
)
from .networks import init_segmentor, match_classes

__all__ = [
    'LoadImage',
    'Prediction',
    'Segmentation',
    'Segmenter',
    'decide',
    'decide_samples',
    'inference_segmentor',
    'init_segmentor',
    'match_classes',
    'predict',
    'show_result_pyplot',
    'test_pipeline',
]
