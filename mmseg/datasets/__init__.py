"""Data sets, their pipelines and how they are sampled."""

from mmseg.utils.old_places import serve

from .acdc import ACDCDataset
from .builder import DATASETS, PIPELINES, build_dataloader, build_dataset
from .cityscapes import CityscapesDataset
from .compat import PLACES
from .concat import ConcatDataset, RepeatDataset
from .custom import CustomDataset
from .dark_zurich import DarkZurichDataset
from .gta import GTADataset
from .rare_class_sampling import RareClassDataset
from .samplers import IterationSampler, SampleStream
from .source_means import means_for_source
from .synthia import SynthiaDataset
from .uda_dataset import UDADataset

__all__ = [
    'DATASETS',
    'PIPELINES',
    'ACDCDataset',
    'CityscapesDataset',
    'ConcatDataset',
    'CustomDataset',
    'DarkZurichDataset',
    'GTADataset',
    'IterationSampler',
    'RareClassDataset',
    'RepeatDataset',
    'SampleStream',
    'SynthiaDataset',
    'UDADataset',
    'build_dataloader',
    'build_dataset',
    'means_for_source',
]
serve(__name__, {}, PLACES)
