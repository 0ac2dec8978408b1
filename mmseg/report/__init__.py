"""The report of a run: one page with its curves, classes, bank and examples."""

from .hook import ReportHook
from .page import REPORT, write_report

__all__ = ['REPORT', 'ReportHook', 'write_report']
