"""The site of documents and reference builds without a warning, and fetches nothing."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# Packages all of whose modules have a place in the reference, but for old names.
REFERRED = (
    'mmseg/ops',
    'mmseg/models/losses',
    'mmseg/models/uda',
    'mmseg/core/evaluation',
    'mmseg/datasets',
    'mmseg/apis',
    'mmseg/selection',
    'mmseg/own_data',
)
OLD_NAMES = ('__init__', 'compat', 'config_compat')
FETCHED = re.compile(r'<(?:script|link|img|iframe) [^>]*?(?:src|href)="?((?:https?:)?//[^"\s>]+)')


@pytest.fixture(scope='module')
def site(tmp_path_factory):
    """Return the folder of the built site; a broken link or anchor fails the build."""
    pytest.importorskip('mkdocs', reason='mkdocs is not installed')
    folder = tmp_path_factory.mktemp('site')
    command = [sys.executable, '-m', 'mkdocs', 'build', '--strict', '--site-dir', str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return folder


def fetched(page):
    """Return what a browser would fetch from elsewhere for a page."""
    return FETCHED.findall(page)


def links(page, text):
    """Return where links lead that a page has under some text."""
    return re.findall(rf'<a href="?([^"\s>]+)"?>{re.escape(text)}</a>', page.read_text())


def test_reference__names_every_module_once():
    pages = (page.read_text() for page in sorted((ROOT / 'docs/api').glob('*.md')))
    named = re.findall(r'^::: (\S+)', '\n'.join(pages), re.MULTILINE)
    modules = [
        path.relative_to(ROOT).with_suffix('').as_posix().replace('/', '.')
        for package in REFERRED
        for path in (ROOT / package).rglob('*.py')
        if path.stem not in OLD_NAMES
    ]
    assert sorted(named) == sorted(modules)


def test_site__what_is_fetched_is_seen():
    page = '<script src="https://cdn.org/a.js"></script><a href="https://arxiv.org">paper</a>'
    assert fetched(page + '<link rel=stylesheet href=//fonts.org/b.css>') == [
        'https://cdn.org/a.js',
        '//fonts.org/b.css',
    ]


@pytest.mark.smoke
def test_site__fetches_nothing_from_elsewhere(site):
    pages = sorted(site.rglob('*.html'))
    assert site / 'index.html' in pages and site / 'api/ops.html' in pages
    assert {page.name: found for page in pages if (found := fetched(page.read_text()))} == {}


@pytest.mark.smoke
def test_site__links_lead_to_documents_reference_and_files(site):
    home, contributing = site / 'index.html', site / 'contributing.html'
    assert links(home, 'docs/choosing.md') == ['choosing.html']
    assert links(home, '中文') == ['zh.html']
    assert links(home, '<code>EMATeacher.update</code>') == [
        'api/uda.html#mmseg.models.uda.teacher'
    ]
    assert links(home, 'requirements.txt') == ['files/requirements.txt.html']
    assert links(contributing, 'docs/plugins.md') == ['plugins.html']
    assert links(contributing, 'hooks.py') == ['files/docs/hooks.py.html']


@pytest.mark.smoke
def test_site__examples_are_blocks_of_code(site):
    page = (site / 'api/ops.html').read_text()
    assert 'Examples:' in page
    assert '&gt;&gt;&gt;' not in re.sub(r'<pre.*?</pre>', '', page, flags=re.DOTALL)
