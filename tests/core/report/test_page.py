import gzip
import json
import re
from base64 import b64decode

import pytest

from mmseg.core.report import write_report
from mmseg.utils.errors import UserError
from tests.core.report.work_dirs import write_old_run, write_run


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


def test_write_report__examples_offer_predictions_then_labels_then_errors(tmp_path):
    runs = [
        write_run(tmp_path / 'a', 'x_plain', adapted=False),
        write_run(tmp_path / 'b', 'x_dida'),
    ]
    page = report(tmp_path, *runs)
    networks = ['plain, student', 'dida, student', 'dida, teacher']
    expected = [*networks, 'labels', *(f'errors of {name}' for name in networks)]
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
