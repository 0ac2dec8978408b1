"""The door to trained networks: what tests, demo, web page, report and comparisons ask.

`init_segmentor` loads a network. Of single images `inference_segmentor` tells the classes and
`Segmenter` how sure the network is of them too, and where not to trust it; `predict` goes through a
data set. All of them ask the network by `decide`.
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
from .uncertainty import SecondOpinions, decide_with_uncertainty, second_opinions

__all__ = [
    'LoadImage',
    'Prediction',
    'SecondOpinions',
    'Segmentation',
    'Segmenter',
    'decide',
    'decide_samples',
    'decide_with_uncertainty',
    'inference_segmentor',
    'init_segmentor',
    'match_classes',
    'predict',
    'second_opinions',
    'show_result_pyplot',
    'test_pipeline',
]
