import json

import pytest

from mmseg.report import calibration_figures, choosing_figures, class_figures, training_figures
from mmseg.report.drawing import line, shown
from mmseg.report.run import read_run
from tests.report.work_dirs import CLASSES, write_old_run, write_run


@pytest.fixture
def one(tmp_path):
    return shown([read_run(write_run(tmp_path / 'one'))], ['dida'])


@pytest.fixture
def two(tmp_path):
    folders = [write_run(tmp_path / 'plain', 'plain', adapted=False), write_run(tmp_path / 'dida')]
    return shown([read_run(folder) for folder in folders], ['plain', 'dida'])


def names(figure):
    return [trace['name'] for trace in figure.traces]


def test_line__long_curves_are_thinned_out_and_keep_their_ends():
    trace = line([(i, i / 4) for i in range(5001)], 'x', 'red', scale=100)
    assert len(trace['x']) <= 1001 and trace['mode'] == 'lines'
    assert (trace['x'][0], trace['x'][-1], trace['y'][-1]) == (0, 5000, 125000)


def test_scores__networks_of_one_run_and_of_several(one, two):
    (figure,) = training_figures.scores(one)
    assert names(figure) == ['student', 'teacher']
    assert figure.traces[1]['y'] == [40, 40, 40] and figure.layout['xaxis']['range'] == [0, 30]
    (figure,) = training_figures.scores(two)
    assert names(figure) == ['plain, student', 'dida, student', 'dida, teacher']
    colours = [trace['line']['color'] for trace in figure.traces]
    assert colours[0] != colours[1] == colours[2]


def test_losses__together_for_one_run_and_apart_for_several(one, two):
    (figure,) = training_figures.losses(one)
    assert names(figure) == ['all together', 'source', 'instance']
    titles = {f.title: names(f) for f in training_figures.losses(two)}
    assert titles == {
        'Loss: all together': ['plain', 'dida'],
        'Loss: source': ['plain', 'dida'],
        'Loss: instance': ['dida'],
    }


def test_class_bars__stand_beside_the_baseline(two):
    (figure,) = class_figures.class_bars(two[1:], two[0].run)
    assert names(figure)[-1] == 'source-only' and len(figure.traces) == 3
    assert figure.traces[0]['x'] == [30.0, 40.0, None] and figure.traces[0]['y'] == CLASSES


def test_class_curves__a_figure_for_each_class_that_was_seen(one):
    figures = class_figures.class_curves(one)
    assert [figure.title for figure in figures] == CLASSES[:2]
    assert all(figure.is_small for figure in figures)


def test_confusion__rows_are_percent_of_the_true_class(one, two):
    student, teacher = class_figures.confusion(one)
    assert student.traces[0]['z'] == [[80, 10, 10], [50, 50, 0], [0, 0, 100]]
    assert teacher.title == 'Confusion of teacher'
    assert len(class_figures.confusion(two)) == 3


def test_bank__occupancy_and_drift(one, two):
    occupancy, drift = class_figures.bank(one)
    assert [trace['y'] for trace in occupancy.traces] == [[2, 1, 0], [0, 1, 1]]
    assert occupancy.note == '3 of 5 entries are filled.'
    assert drift.traces[0]['z'] == [[0.1, 0.1], [0.2, 0.2], [None, None]]
    assert [f.title for f in class_figures.bank(two)] == [
        'Instance bank of dida',
        'Drift of the instance bank',
    ]


@pytest.mark.parametrize(
    ('events', 'note'),
    [
        (
            {'loss_since': None, 'shared_out': []},
            'The instance loss has not run: waiting for traffic light, sky.',
        ),
        (
            {'loss_since': 31, 'shared_out': [20, 30]},
            'The instance loss runs since iteration 31. '
            'Unfilled entries were shared out anew at iteration 20. '
            'Unfilled entries were shared out anew at iteration 30.',
        ),
    ],
)
def test_bank__tells_what_it_waits_for_and_since_when_the_loss_runs(one, events, note):
    one[0].run.bank[-1].update(events)
    assert class_figures.bank(one)[0].note == f'3 of 5 entries are filled. {note}'


def test_bank__a_run_without_an_evaluation_shows_it_too(tmp_path):
    folder = write_run(tmp_path / 'dida')
    (log,) = folder.glob('*.log.json')
    lines = [line for line in log.read_text().splitlines() if '"val"' not in line]
    log.write_text('\n'.join(lines) + '\n')
    (occupancy, *_) = class_figures.bank(shown([read_run(folder)], ['dida']))
    assert occupancy.traces[0]['x'] == ['class 0', 'class 1', 'class 2']


def test_pseudo_labels__share_in_training_and_accuracy_in_validation(one):
    share, accuracy = training_figures.pseudo_labels(one)
    assert share.traces[0]['y'] == [20, 20, 20]
    assert [trace['y'][0] for trace in accuracy.traces] == [40, 90, 80]


def test_figures__what_was_not_logged_is_not_drawn(tmp_path):
    old = shown([read_run(write_old_run(tmp_path / 'old'))], ['old'])
    assert class_figures.confusion(old) == class_figures.bank(old) == []
    assert [f.key for f in training_figures.pseudo_labels(old)] == ['pseudo-share']
    assert [f.key for f in training_figures.speed(old)] == ['speed']


def test_calibration__bins_with_pixels_and_what_is_wrong_among_the_surest(one, two):
    reliability, coverage = calibration_figures.calibration(one)
    assert names(reliability) == ['calibrated', 'teacher, ECE 5.0 %']
    assert (reliability.traces[1]['x'], reliability.traces[1]['y']) == ([40, 90], [50, 85])
    assert names(coverage) == ['teacher']
    assert (coverage.traces[0]['x'], coverage.traces[0]['y']) == ([50, 100], [10, 25.5])
    reliability, _ = calibration_figures.calibration(two)
    assert names(reliability) == ['calibrated', 'dida, teacher, ECE 5.0 %']


def test_calibration__runs_of_before_have_none(tmp_path):
    old = shown([read_run(write_old_run(tmp_path / 'old'))], ['old'])
    assert calibration_figures.calibration(old) == []


def test_scores_without_labels__a_small_figure_for_each_score(tmp_path):
    folder = write_run(tmp_path / 'run')
    assert choosing_figures.scores_without_labels(shown([read_run(folder)], ['run'])) == []
    networks = [
        {'iteration': i, 'branch': branch, 'scores': {'mixtures': i / 100, 'clusters': 0.5}}
        for i in (10, 30)
        for branch in ('student', 'teacher')
    ]
    (folder / 'choosing.json').write_text(json.dumps({'networks': networks}))
    figures = choosing_figures.scores_without_labels(shown([read_run(folder)], ['run']))
    assert [figure.title for figure in figures] == ['Mixtures', 'Clusters']
    assert names(figures[0]) == ['student', 'teacher'] and all(f.is_small for f in figures)
    assert (figures[0].traces[1]['x'], figures[0].traces[1]['y']) == ([10, 30], [0.1, 0.3])
