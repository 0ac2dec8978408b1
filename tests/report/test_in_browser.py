"""The report as a person meets it: opened from a file in a browser, large and small."""

import pytest

from mmseg.report import write_report
from tests.browser import DESKTOP, PHONE, TIMEOUT, open_browser
from tests.report.work_dirs import write_run


@pytest.fixture(scope='module')
def browser():
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope='module')
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp('reports')
    plain = write_run(folder / 'plain', 'x_plain', adapted=False)
    dida = write_run(folder / 'dida', 'x_dida')
    return {
        'one': write_report([dida], folder / 'one.html', plain),
        'two': write_report([plain, dida], folder / 'two.html'),
    }


def opened(browser, path, device):
    """Open a page; return it with what it complained about and asked for."""
    page = browser.new_context(**device).new_page()
    page.set_default_timeout(TIMEOUT)
    complaints, requests = [], []
    page.on('console', lambda message: complaints.append(message.text))
    page.on('pageerror', lambda error: complaints.append(str(error)))
    page.on('request', lambda request: requests.append(request.url))
    page.goto(path.as_uri())
    page.locator('html[data-drawn]').wait_for(state='attached')
    return page, complaints, [url for url in requests if not url.startswith(('data:', 'blob:'))]


@pytest.mark.parametrize('device', [DESKTOP, PHONE], ids=['desktop', 'phone'])
@pytest.mark.parametrize('name', ['one', 'two'])
def test_report__draws_every_figure_without_a_complaint_or_a_request(browser, pages, name, device):
    page, complaints, requests = opened(browser, pages[name], device)
    charts = page.locator('.chart').count()
    with_traces = page.locator('.chart', has=page.locator('.cartesianlayer :is(.trace, image)'))
    assert with_traces.count() == charts >= 11
    assert complaints == [] and requests == [pages[name].as_uri()]
    assert page.evaluate('document.documentElement.scrollWidth') <= device['viewport']['width']


def test_report__the_slider_and_the_tabs_move_the_examples(browser, pages):
    page, _, _ = opened(browser, pages['one'], PHONE)
    stage = page.locator('.stage').first
    assert stage.locator('.over:visible').get_attribute('data-layer') == 'student'
    page.get_by_role('button', name='errors of teacher').tap()
    assert stage.locator('.over:visible').get_attribute('data-layer') == 'errors of teacher'
    stage.locator('input').fill('80')
    assert stage.evaluate('e => getComputedStyle(e).getPropertyValue("--split")') == '80%'


def test_report__a_finger_scrolls_the_page_and_does_not_zoom_a_figure(browser, pages):
    page, _, _ = opened(browser, pages['one'], PHONE)
    assert page.locator('#miou').evaluate('figure => figure.layout.dragmode') is False
