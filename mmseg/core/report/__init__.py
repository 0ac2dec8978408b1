"""The report of a run: one page with its curves, classes, bank and examples."""

from mmseg.core.examples import ExampleWriter

from .page import REPORT, write_report

__all__ = ['REPORT', 'ExampleWriter', 'write_report']
