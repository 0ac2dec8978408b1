"""The table of encoders: its figures are measured, its facts are those that timm tells."""

import json
import sys
from functools import cache
from pathlib import Path

import pytest
import torch

from benchmarks import encoders
from benchmarks.workloads import run_workload
from mmseg.models import build_backbone
from mmseg.utils.errors import UserError
from tools import benchmark

PAGE = Path(__file__).parents[2] / 'docs/encoders.md'
SMALL = 'efficientvit_b0'


@cache
def facts():
    """Facts of all encoders, of which none takes memory."""
    with torch.device('meta'):
        return {
            name: encoders.facts_of(name, build_backbone(encoders.model_of(name).backbone))
            for name in encoders.ENCODERS
        }


def cells_of(table):
    """Map each encoder of a table in Markdown to its cells by their headings."""
    lines = [line.strip('| ').split(' | ') for line in table.splitlines()]
    return {line[0]: dict(zip(lines[0], line, strict=True)) for line in lines[2:]}


def test_encoders__the_page_tells_what_timm_tells():
    """Where a release of timm says something else, the page is to be written anew."""
    page = PAGE.read_text(encoding='utf-8')
    start = page.index('| encoder |')
    told = cells_of(page[start : page.index('\n\n', start)])
    derived = cells_of(encoders.markdown(facts()))
    assert told.keys() == derived.keys()
    for name, cells in derived.items():
        assert {heading: told[name][heading] for heading in cells} == cells


def test_encoders__a_licence_is_that_of_the_weights():
    licences = {name: row['licence'] for name, row in facts().items()}
    assert licences['vit_small_patch14_dinov2'] == 'apache-2.0'
    assert licences['vit_small_patch16_dinov3'] == 'dinov3-license'
    assert licences['eva02_tiny_patch14_224'] == 'mit'
    assert licences['convnextv2_atto'] == 'cc-by-nc-4.0'


def test_encoders__a_step_is_timed_and_its_memory_read(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(benchmark, 'measure', lambda job: run_workload(job['workload'], job))
    asked = ['encoders', SMALL, '--size', '64', '--warmups', '0', '--steps', '1', '--rounds', '1']
    out = tmp_path / 'figures.json'
    monkeypatch.setattr(sys, 'argv', ['benchmark.py', *asked, '--json', str(out)])
    benchmark.main()
    (row,) = cells_of(capsys.readouterr().out.strip()).values()
    figures = json.loads(out.read_text())['settings'][SMALL]
    assert row['ms a step'] == f'{figures["milliseconds"]:,.0f}'
    assert row['peak GiB'] == f'{figures["memory"]:.2f}'
    assert row['strides'] == '4, 8, 16, 32' and row['their licence'] == 'apache-2.0'


def test_encoders__others_than_those_of_the_table_are_refused():
    for asked, message in (
        (['efficientvit_b1'], "no encoder 'efficientvit_b1' .* did you mean 'efficientvit_b0'"),
        ([SMALL, '--against', 'resnet18'], 'name several instead'),
    ):
        with pytest.raises(UserError, match=message):
            benchmark.jobs(benchmark.parse_args(['encoders', *asked]))
