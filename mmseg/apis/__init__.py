"""Train, test and use segmentation networks."""

from .config import load_config
from .inference import (
    Segmentation,
    Segmenter,
    inference_segmentor,
    init_segmentor,
    match_classes,
    predict,
    show_result_pyplot,
)
from .loader import DeviceLoader
from .optimizer import build_optimizer
from .test import multi_gpu_test, single_gpu_test
from .train import set_random_seed, train_segmentor

__all__ = [
    'DeviceLoader',
    'Segmentation',
    'Segmenter',
    'build_optimizer',
    'inference_segmentor',
    'init_segmentor',
    'load_config',
    'match_classes',
    'multi_gpu_test',
    'predict',
    'set_random_seed',
    'show_result_pyplot',
    'single_gpu_test',
    'train_segmentor',
]
