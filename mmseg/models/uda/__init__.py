from mmseg.core.adaptation import AdaptationMethod

from .base import Step, Term
from .dacs import DACS
from .feature_distance import FeatureDistance
from .instance_bank import InstanceBank
from .instance_level import InstanceLevel
from .masked_consistency import MaskedConsistency
from .teacher import EMATeacher
from .uda_decorator import UDADecorator

__all__ = [
    'DACS',
    'AdaptationMethod',
    'EMATeacher',
    'FeatureDistance',
    'InstanceBank',
    'InstanceLevel',
    'MaskedConsistency',
    'Step',
    'Term',
    'UDADecorator',
]
