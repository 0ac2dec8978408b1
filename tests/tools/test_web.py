"""The web page in a real browser, without a screen."""

import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.apis.tiny import CLASSES, write_run

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = next(
    filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None
)
PATIENCE_S = 240

pytest.importorskip('gradio', reason="needs the extra 'web'")
playwright = pytest.importorskip('playwright.sync_api', reason='needs playwright, a dev package')
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason='needs Chromium (apt install chromium)')


@pytest.fixture(scope='module')
def address(tmp_path_factory):
    """A page of a small network, served on this machine."""
    folder = tmp_path_factory.mktemp('web')
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    command = [sys.executable, 'demo/web.py', str(write_run(folder)), '--port', str(port)]
    command.append('--uncertainty')
    log = folder / 'log'
    with log.open('w') as file:
        server = subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT)
    try:
        wait_for(f'http://127.0.0.1:{port}', server, log)
        yield f'http://127.0.0.1:{port}'
    finally:
        server.terminate()
        server.wait()


def wait_for(url, server, log):
    stop = time.monotonic() + PATIENCE_S
    while time.monotonic() < stop and server.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            time.sleep(0.5)
    pytest.fail(f'the page is not served: {log.read_text()}')


@pytest.fixture
def page(address):
    """The page, opened; what goes wrong in it, and what it asks of others, is collected."""
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=['--no-sandbox'])
        page = browser.new_page(viewport={'width': 1280, 'height': 900})
        page.set_default_timeout(PATIENCE_S * 1000)
        page.problems = []
        page.on('pageerror', lambda error: page.problems.append(str(error)))
        page.on(
            'console',
            lambda said: page.problems.append(said.text) if said.type == 'error' else None,
        )
        page.on(
            'request',
            lambda asked: (
                page.problems.append(asked.url)
                if not asked.url.startswith(
                    (address, 'data:', 'blob:', address.replace('http', 'ws'))
                )
                else None
            ),
        )
        page.goto(address)
        yield page
        browser.close()


def test_web__a_dropped_picture_comes_back_with_classes_and_confidence(page, tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (90, 160, 3)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / 'street.png'), picture)
    page.wait_for_selector('#picture input[type=file]', state='attached')
    page.set_input_files('#picture input[type=file]', tmp_path / 'street.png')

    page.wait_for_selector('#table table.seen tr:nth-child(2)')
    rows = [row.inner_text().split() for row in page.query_selector_all('#table .seen tr')[1:]]
    assert {row[0] for row in rows} <= set(CLASSES)
    shares = [float(row[1]) for row in rows]
    assert shares == sorted(shares, reverse=True) and abs(sum(shares) - 100) < 0.5
    assert all(20 <= float(row[3]) <= 100 for row in rows)

    images = page.locator('#overlay img')
    assert images.count() == 2
    assert images.first.evaluate('image => image.naturalWidth') == 160
    page.get_by_role('tab', name='confidence').click()
    page.wait_for_selector('#confidence img')
    page.get_by_role('tab', name='doubts').click()
    page.wait_for_selector('#uncertainty img')
    # one network without a bank has nothing to be compared with
    assert page.locator('#uncertainty img').count() == 1
    assert 'class probabilities are spread out' in page.locator('#uncertainty').inner_text()
    page.screenshot(path=tmp_path / 'page.png', full_page=True)
    assert cv2.imread(str(tmp_path / 'page.png')).std() > 10
    assert page.problems == []


def test_web__colours_get_stronger_without_another_pass(page, tmp_path):
    cv2.imwrite(str(tmp_path / 'street.png'), np.full((90, 160, 3), 200, np.uint8))
    page.wait_for_selector('#picture input[type=file]', state='attached')
    page.set_input_files('#picture input[type=file]', tmp_path / 'street.png')
    page.wait_for_selector('#table table.seen')
    overlay = page.locator('#overlay img').last
    before = overlay.get_attribute('src')
    page.locator('input[type=range]').press('End')
    page.wait_for_function(
        'before => [...document.querySelectorAll("#overlay img")].every(i => i.src !== before)',
        arg=before,
    )
    assert re.match(r'http://127', overlay.get_attribute('src'))
    assert page.problems == []
