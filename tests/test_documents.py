"""Links and commands of every document lead to something that exists."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LISTED = ['git', 'ls-files', '--cached', '--others', '--exclude-standard', '*.md']
NAMES = sorted(set(subprocess.check_output(LISTED, cwd=ROOT, text=True).split()))

FENCE = re.compile(r'^```(\w*)\n(.*?)^```', re.MULTILINE | re.DOTALL)
LINK = re.compile(r'\]\(([^()\s]+)\)')
COMMAND = re.compile(r'\b(?:sh|python)\s+((?:\w[\w-]*/)*\w+\.(?:sh|py))\b')


def read(name):
    return (ROOT / name).read_text(encoding='utf-8')


def anchors(text):
    """Return what GitHub calls the headings of a document."""
    headings = re.findall(r'^#+ (.*)', FENCE.sub('', text), re.MULTILINE)
    return {re.sub(r'[^\w\- ]', '', heading.lower()).replace(' ', '-') for heading in headings}


def commands(text):
    """Return the lines of the shell blocks without their comments."""
    lines = [
        line for kind, block in FENCE.findall(text) if kind == 'sh' for line in block.split('\n')
    ]
    return [line.split('#')[0].strip() for line in lines]


def inline_commands(text):
    """Return the commands between backticks, whatever lines they are broken over."""
    spans = re.findall(r'`([^`]+)`', FENCE.sub('', text))
    return sorted(' '.join(span.split()) for span in spans if re.match(r'(sh|python)\s', span))


@pytest.mark.parametrize('name', NAMES)
def test_links__lead_to_files_and_headings(name):
    for link in LINK.findall(FENCE.sub('', read(name))):
        if re.match(r'\w+:', link):
            continue
        path, _, anchor = link.partition('#')
        target = (ROOT / name).parent / path if path else ROOT / name
        assert target.exists(), f'{name}: {link}'
        if anchor:
            assert anchor in anchors(target.read_text(encoding='utf-8')), f'{name}: {link}'


@pytest.mark.parametrize('name', NAMES)
def test_commands__name_files_that_exist(name):
    for file in COMMAND.findall(read(name)):
        assert (ROOT / file).is_file(), f'{name}: {file}'


def test_chinese_readme__has_the_same_commands():
    ours, theirs = read('README.md'), read('README_zh.md')
    assert commands(theirs) == commands(ours)
    assert inline_commands(theirs) == inline_commands(ours)
