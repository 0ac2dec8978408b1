from mmseg.core.hooks import EvalHook, ResultHook, TextLoggerHook
from mmseg.report import ReportHook
from tests.core.hooks.training import TinySegmentor, make_runner, train


def hooks(report, evaluation):
    return [TextLoggerHook(1), evaluation, ResultHook(evaluation), report]


class Watched(ReportHook):
    """Notes at which iterations the page was written."""

    def __init__(self):
        self.written = []

    def _write(self, runner):
        super()._write(runner)
        self.written.append(runner.iter)


def test_report_hook__writes_at_evaluations_and_at_the_end(tmp_path):
    evaluation = EvalHook(lambda network, name: {'mIoU': 0.5, 'IoU.road': 0.5}, 2, save_best=None)
    report = Watched()
    train(make_runner(TinySegmentor(), tmp_path, 5, hooks(report, evaluation)))
    assert report.written == [1, 3, 4, 5]
    page = (tmp_path / 'report.html').read_text(encoding='utf-8')
    assert 'finished' in page and 'road' in page


def test_report_hook__a_page_that_fails_does_not_end_the_training(tmp_path, monkeypatch):
    monkeypatch.setattr('mmseg.report.hook.write_report', None)
    evaluation = EvalHook(lambda network, name: {'mIoU': 0.5}, save_best=None)
    runner = make_runner(TinySegmentor(), tmp_path, 2, hooks(ReportHook(), evaluation))
    train(runner)
    assert runner.iter == 2 and not (tmp_path / 'report.html').exists()
