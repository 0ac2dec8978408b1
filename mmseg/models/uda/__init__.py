from mmseg.core.adaptation import AdaptationMethod

from .dacs import DACS
from .instance_bank import InstanceBank
from .instance_level import InstanceLevel
from .teacher import EMATeacher

__all__ = ['DACS', 'AdaptationMethod', 'EMATeacher', 'InstanceBank', 'InstanceLevel']
