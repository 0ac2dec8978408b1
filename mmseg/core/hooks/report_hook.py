"""The run's report, kept up to date."""

from pathlib import Path

from mmcv.runner import HOOKS, Hook

from mmseg.core.report import REPORT, write_report

from .evaluation_hook import EvalHook


@HOOKS.register_module()
class ReportHook(Hook):
    """Write `report.html` into the work dir after every evaluation and at the end.

    Args:
        evaluation: The hook that evaluates, registered before this one; None writes at the end
            only.
    """

    def __init__(self, evaluation: EvalHook | None = None) -> None:
        self.evaluation = evaluation

    def after_train_iter(self, runner) -> None:
        if self.evaluation is not None and self.evaluation.is_due(runner):
            self._write(runner)

    def after_run(self, runner) -> None:
        self._write(runner)

    def _write(self, runner) -> None:
        if runner.rank != 0:
            return
        folder = Path(runner.work_dir)
        try:
            write_report([folder], folder / REPORT)
        except Exception as error:  # days of training are worth more than a page about them
            kind = type(error).__name__
            runner.logger.warning(f'the report could not be written: {kind}: {error}')
