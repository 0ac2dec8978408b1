"""The version is written down once, and told alike everywhere."""

import re
import subprocess
import sys
from pathlib import Path

import mmseg
from mmseg.version import __version__

ROOT = Path(__file__).resolve().parents[1]


def test_version__is_that_of_the_package_and_of_setup():
    assert mmseg.__version__ == __version__
    command = [sys.executable, 'setup.py', '--quiet', '--version']
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert told.split() == [__version__]


def test_version__is_that_of_the_citation():
    text = (ROOT / 'CITATION.cff').read_text(encoding='utf-8')
    assert re.findall(r'^version: (.*)$', text, re.MULTILINE) == [__version__]


def test_version__is_the_newest_of_the_changelog():
    text = (ROOT / 'CHANGELOG.md').read_text(encoding='utf-8')
    newest = re.findall(r'^## \[(\d.*?)\]', text, re.MULTILINE)[0]
    assert newest == __version__
