import gzip
import json
import re
from base64 import b64decode

import pytest

from mmseg.report import write_report
from mmseg.utils.errors import UserError
from tests.report.work_dirs import (
    metrics,
    train_record,
    write_lines,
    write_mmsegmentation_run,
    write_old_run,
    write_run,
)


def element(page, name):
    return re.search(rf'<script [^>]*id="{name}">(.*?)</script>', page, re.DOTALL)[1]


def report(tmp_path, *runs, **more):
    return write_report(runs, tmp_path / 'report.html', **more).read_text(encoding='utf-8')


def test_write_report__one_file_that_asks_nobody_for_anything(tmp_path):
    page = report(tmp_path, write_run(tmp_path / 'run'))
    markup = page.replace(element(page, 'plotly'), '').replace(element(page, 'figures'), '')
    assert not re.search(r'(src|href)="(?!data:)', markup) and 'url(' not in markup
    assert "default-src 'none'" in page
    assert b'plotly.js v' in gzip.decompress(b64decode(element(page, 'plotly')))[:100]
    assert len(page) < 3e6


def test_write_report__every_figure_has_its_place(tmp_path):
    page = report(tmp_path, write_run(tmp_path / 'run'))
    keys = [figure['key'] for figure in json.loads(element(page, 'figures'))]
    assert len(set(keys)) == len(keys) >= 11
    assert all(f'class="chart" id="{key}"' in page for key in keys)


def test_write_report__texts_of_users_are_no_markup(tmp_path):
    page = report(tmp_path, write_run(tmp_path / 'run', name='<img src=x></script>'))
    assert 'python tools/train.py &lt;x&gt;' in page
    assert '<img src=x>' not in page and 'Not in this report' not in page


def test_write_report__an_old_run_says_what_it_lacks(tmp_path):
    page = report(tmp_path, write_old_run(tmp_path / 'old'))
    for sentence in ('the confusion matrix: not in the log', 'examples: none were kept'):
        assert sentence in page
    assert 'Confusion</h2>' not in page and 'id="examples"' not in page


def test_write_report__a_comparison_lists_the_settings_that_differ(tmp_path):
    runs = [
        write_run(tmp_path / 'a', 'x_plain', adapted=False),
        write_run(tmp_path / 'b', 'x_dida'),
    ]
    page = report(tmp_path, *runs)
    assert '2 runs compared' in page and 'plain, dida' in page
    assert 'uda.instance.num_entries' in page and '<th>runner.max_iters' not in page


def test_write_report__examples_offer_predictions_labels_errors_then_doubts(tmp_path):
    runs = [
        write_run(tmp_path / 'a', 'x_plain', adapted=False),
        write_run(tmp_path / 'b', 'x_dida'),
    ]
    page = report(tmp_path, *runs)
    networks = ['plain, student', 'dida, student', 'dida, teacher']
    doubts = [f'doubt: {name.replace(" ", " entropy of ")}' for name in networks]
    expected = [*networks, 'labels', *(f'errors of {name}' for name in networks), *doubts]
    assert re.findall(r'<button type="button" data-layer="(.*?)"', page) == expected


def test_write_report__a_baseline_stands_in_the_table(tmp_path):
    baseline = write_run(tmp_path / 'plain', adapted=False, score=0.125)
    page = report(tmp_path, write_run(tmp_path / 'dida'), baseline=baseline)
    assert '<th>source-only</th>' in page and '<td>12.50</td>' in page


def test_write_report__a_run_that_began_just_now(tmp_path):
    (tmp_path / 'run').mkdir()
    (tmp_path / 'run' / '1.log.json').write_text('{"seed": 0}\n{"mode": "tr')
    page = report(tmp_path, tmp_path / 'run')
    assert 'scores: no evaluation yet' in page and 'not at its end' in page


def test_write_report__mistakes_leave_the_old_page(tmp_path):
    (tmp_path / 'report.html').write_text('old')
    with pytest.raises(UserError, match='no work dir at'):
        report(tmp_path, tmp_path / 'gone')
    assert (tmp_path / 'report.html').read_text() == 'old'


def figures_of(page):
    return {figure['key']: figure for figure in json.loads(element(page, 'figures'))}


def cells(page):
    (table,) = re.findall(r'of each class as a table</summary>(.*?)</table>', page, re.DOTALL)
    return re.sub(r'<[^>]*>', ' ', table).split()


@pytest.mark.parametrize('scale', [1.0, 100.0])
@pytest.mark.parametrize('kinds', [('IoU', 'Acc'), ('Dice', 'Acc'), ('IoU', 'Acc', 'Dice')])
def test_write_report__a_run_of_mmsegmentation(tmp_path, scale, kinds):
    page = report(tmp_path, write_mmsegmentation_run(tmp_path / 'w', scale=scale, kinds=kinds))
    figures = figures_of(page)
    for kind in set(kinds) - {'Acc'}:
        (trace,) = figures[f'm{kind}'.lower()]['data']
        assert trace['x'] == [100, 200, 300, 400] and trace['y'] == [10, 20, 30, 40]
        assert f'<dt>m{kind} student</dt><dd>40.00' in page
    assert figures['class-bars']['data'][0]['x'] == [40.0, 40.0, None]
    assert '400' in page and 'the instance bank' not in page


def test_write_report__a_run_of_mmsegmentation_beside_one_of_ours(tmp_path):
    old, ours = write_mmsegmentation_run(tmp_path / 'old'), write_run(tmp_path / 'ours')
    page = report(tmp_path, old, ours, baseline=old)
    lines = {trace['name']: trace['y'] for trace in figures_of(page)['miou']['data']}
    assert lines['old, student'] == [10, 20, 30, 40]


def write_evaluation(folder, **networks):
    folder.mkdir()
    records = [{'seed': 0}, train_record(10, True), {'mode': 'val', 'iter': 10, **networks}]
    write_lines(folder / '1.log.json', records)
    return folder


def test_write_report__dice_and_f_score_have_columns_and_curves(tmp_path):
    student = {'aAcc': 0.5, 'mDice': 0.25, 'mAcc': 0.5, 'Dice.road': 0.25, 'Acc.road': 0.5}
    scores = {'mFscore': 0.75, 'mPrecision': 0.5, 'mRecall': 0.125}
    values = {'Fscore.road': 0.75, 'Precision.road': 0.5, 'Recall.road': 0.125}
    folder = write_evaluation(tmp_path / 'w', student={**student, **scores, **values})
    page = report(tmp_path, folder)
    assert {'mdice', 'mfscore'} <= set(figures_of(page)) and 'miou' not in figures_of(page)
    kinds = ['Dice', 'Fscore', 'Precision', 'Recall']
    head = ['class', *(word for kind in kinds for word in ('student', kind))]
    values = ['25.00', '75.00', '50.00', '12.50']
    assert cells(page) == [*head, 'road', *values, 'mean', *values]


@pytest.mark.parametrize('teacher', [None, metrics(0.5)])
def test_write_report__scores_that_nobody_could_measure(tmp_path, teacher):
    student = {'aAcc': None, 'mIoU': None, 'mAcc': None, 'IoU.road': None, 'IoU.sky': None}
    networks = {'student': student} if teacher is None else {'student': student, 'teacher': teacher}
    page = report(tmp_path, write_evaluation(tmp_path / 'w', **networks))
    assert '<dt>mIoU student</dt><dd>-' in page


@pytest.mark.parametrize(
    'records',
    [
        [{'seed': 0}],
        [{'seed': 0}, {'mode': 'train', 'iter': 'ten', 'loss': 1.0}],
        [{'seed': 0}, {'mode': 'val', 'iter': 10, 'student': None}],
        [{'seed': 0}, {'mode': 'val', 'iter': 10, 'loss': 0.5}],
        [{'mode': 'train', 'iter': 10, 'loss': float('nan'), 'lr': float('inf')}],
    ],
)
def test_write_report__a_log_with_little_or_odd_records_in_it(tmp_path, records):
    (tmp_path / 'w').mkdir()
    write_lines(tmp_path / 'w/1.log.json', records)
    assert '<h1>w</h1>' in report(tmp_path, tmp_path / 'w')


@pytest.mark.parametrize('content', ['[1, 2]', '3', 'null '])
def test_write_report__a_config_that_is_no_config(tmp_path, content):
    folder = write_run(tmp_path / 'w')
    (folder / 'config.json').write_text(content)
    with pytest.raises(UserError, match=r'config.json: expected an object of settings'):
        report(tmp_path, folder)
