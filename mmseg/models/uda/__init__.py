from .dacs import DACS
from .instance_bank import InstanceBank
from .instance_level import InstanceLevel
from .teacher import EMATeacher

__all__ = ['DACS', 'EMATeacher', 'InstanceBank', 'InstanceLevel']
