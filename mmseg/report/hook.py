"""The run's report, kept up to date."""

from pathlib import Path

from mmcv.runner import HOOKS, Hook

from mmseg.core.hooks import EvalHook

from .page import REPORT, write_report


@HOOKS.register_module()
class ReportHook(Hook):
    """Write `report.html` into the work dir after every evaluation and at the end.

    It comes after the hook that evaluates; without one it writes at the end only.
    """

    def after_train_iter(self, runner) -> None:
        if any(isinstance(hook, EvalHook) and hook.is_due(runner) for hook in runner.hooks):
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
