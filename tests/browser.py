"""A real browser for tests of pages; tests skip where there is none."""

import contextlib
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

BROWSERS = ('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable')
PHONE = {'viewport': {'width': 390, 'height': 844}, 'is_mobile': True, 'has_touch': True}
DESKTOP = {'viewport': {'width': 1280, 'height': 900}}
# A page is drawn within a second; a machine that runs other things takes longer.
TIMEOUT = 60_000  # milliseconds


@contextlib.contextmanager
def open_browser() -> Iterator[Any]:
    """Yield a headless Chromium driven by playwright; skip the test where one is missing."""
    playwright = pytest.importorskip('playwright.sync_api', reason='playwright is not installed')
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip(f'there is no browser: none of {", ".join(BROWSERS)} is installed')
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=['--no-sandbox'])
        yield browser
        browser.close()
