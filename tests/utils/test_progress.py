from mmseg.utils import progress


def test_track__yields_everything_in_order(monkeypatch):
    assert list(progress.track(range(5), 'testing')) == [0, 1, 2, 3, 4]
    assert list(progress.track(iter('abc'), 'testing')) == ['a', 'b', 'c']


def test_track__a_pipe_gets_lines_with_the_time_left(monkeypatch, capsys):
    monkeypatch.setattr(progress, '_SECONDS_BETWEEN_LINES', 10.0)
    clock = iter(range(0, 1000, 6))
    monkeypatch.setattr(progress.time, 'monotonic', lambda: float(next(clock)))
    list(progress.track(range(4), 'testing'))
    assert capsys.readouterr().out.splitlines() == [
        'testing 2/4  eta 0:00:12',
        'testing 4/4  eta 0:00:00',
    ]


def test_format_seconds__hours_minutes_seconds():
    assert progress.format_seconds(3725.4) == '1:02:05'
    assert progress.format_seconds(-3) == '0:00:00'
