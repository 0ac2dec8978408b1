"""What can be known of a run before its first iteration."""

from .all_checks import CHECKS, check_run, findings_of
from .classes import check_num_classes
from .run import Finding, RunUnderCheck

__all__ = ['CHECKS', 'Finding', 'RunUnderCheck', 'check_num_classes', 'check_run', 'findings_of']
