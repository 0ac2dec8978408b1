from mmseg.core.adaptation import AdaptationMethod

from .dacs import DACS
from .instance_bank import InstanceBank
from .instance_level import InstanceLevel
from .teacher import EMATeacher
from .uda_decorator import UDADecorator

__all__ = [
    'DACS',
    'AdaptationMethod',
    'EMATeacher',
    'InstanceBank',
    'InstanceLevel',
    'UDADecorator',
]
