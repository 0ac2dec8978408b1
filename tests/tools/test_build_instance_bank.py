"""Banks that a trained network fills: the published pair of files."""

import json
import sys

import pytest
import torch

from mmseg.apis import init_segmentor, load_config
from mmseg.apis.work_dir import CONFIG_NAME
from mmseg.core.checkpoint import save_checkpoint
from mmseg.models.uda import InstanceBank
from mmseg.utils.cli import run_cli
from tests.apis import tiny
from tests.apis.test_several_processes import write_statistics
from tools import build_instance_bank


@pytest.fixture
def run(tmp_path):
    """A work dir of an adaptation, with random weights of its network."""
    config = tiny.write_config(tmp_path, uda=True)
    config.rename(tmp_path / CONFIG_NAME)
    write_statistics(tmp_path / 'source')
    save_network(tmp_path)
    return tmp_path


def save_network(work_dir):
    torch.manual_seed(0)
    network = init_segmentor(load_config(work_dir / CONFIG_NAME), device='cpu')
    network.init_weights()
    network.CLASSES, network.PALETTE = tiny.CLASSES, tiny.PALETTE
    save_checkpoint(network, work_dir / 'iter_1.pth')


@pytest.fixture
def build(run, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)

    def call(*options, checkpoint=None):
        words = ['build', run / CONFIG_NAME, checkpoint or run / 'iter_1.pth', *options]
        monkeypatch.setattr(sys, 'argv', [*map(str, words)])
        try:
            run_cli(build_instance_bank.main)
        except SystemExit as end:
            assert end.code == 1
        return capsys.readouterr()

    return call


def test_build__fills_the_published_pair_of_files(run, build):
    told = build('--num-entries', 10, '--out', run / 'bank')
    assert '10 entries from ' in told.out
    bank = InstanceBank.from_file(run / 'bank', 16, 5)
    assert bank.is_full and bank.class_counts().tolist() == [2] * 5
    meta = json.loads((run / 'bank/meta.json').read_text())
    assert meta['classes'] == tiny.CLASSES and meta['dim'] == 16 and meta['vectors'] == 'mean'


def test_build__looks_at_the_scale_that_the_instance_level_looks_at(run, build):
    content = json.loads((run / CONFIG_NAME).read_text())
    content['model'] = tiny.two_scales(content['model'])
    banks = {}
    for scale in ('context', 'detail'):
        content['uda']['instance']['scale'] = scale
        (run / CONFIG_NAME).write_text(json.dumps(content))
        save_network(run)
        build('--num-entries', 10, '--out', run / scale)
        banks[scale] = InstanceBank.from_file(run / scale, 16, 5)
    assert all(bank.is_full for bank in banks.values())
    assert torch.equal(banks['context'].labels, banks['detail'].labels)
    assert not torch.allclose(banks['context'].features, banks['detail'].features)


def test_build__what_can_not_be_is_told(run, build):
    told = build('--num-entries', 500, '--max-images', 2, '--out', run / 'bank').err
    assert '2 images did not fill the bank (' in told and 'raise --max-images' in told
    assert not (run / 'bank').exists()
    told = build(checkpoint=run / 'network.onnx').err
    assert 'an ONNX file gives no embeddings' in told
