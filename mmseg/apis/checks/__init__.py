"""What can be known of a run before its first iteration."""

from .all_checks import CHECKS, check_run, findings_of
from .run import Finding, RunUnderCheck

__all__ = ['CHECKS', 'Finding', 'RunUnderCheck', 'check_run', 'findings_of']
