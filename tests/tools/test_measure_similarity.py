"""How many bits an instance level has to say."""

import json
import sys

import pytest
import torch

from mmseg.ops import Similarity
from mmseg.utils.cli import run_cli
from tests.apis.tiny import write_config
from tools import measure_similarity, train
from tools.measure_similarity import bits_above_uniform, bits_within_classes, measure

LABELS = torch.tensor([0, 0, 1, 1, 2, 2, 2, 2])


def test_bits_above_uniform__nothing_is_0_and_certainty_is_the_logarithm_of_the_entries():
    uniform = torch.full((1, 8, 2, 2), 1 / 8)
    certain = torch.zeros(1, 8, 2, 2)
    certain[:, 3] = 1
    assert float(bits_above_uniform(uniform)) == pytest.approx(0, abs=1e-6)
    assert float(bits_above_uniform(certain)) == pytest.approx(3)


def test_bits_within_classes__entries_of_a_class_alike_say_nothing():
    of_class = torch.tensor([0.7, 0.2, 0.1])
    alike = (of_class / LABELS.bincount())[LABELS].view(1, 8, 1, 1)
    assert float(bits_within_classes(alike, LABELS)) == pytest.approx(0, abs=1e-6)
    one = torch.zeros(1, 8, 1, 1)
    one[:, 5] = 1  # one of the four entries of its class
    assert float(bits_within_classes(one, LABELS)) == pytest.approx(2)


def test_measure__a_bank_of_one_vector_a_class_says_the_class_alone():
    vectors = torch.eye(3)[LABELS]
    embedding = torch.eye(3)[torch.tensor([[0, 1], [2, 2]])].permute(2, 0, 1)[None]
    probs = embedding * 0.9 + 0.1 / 3
    q, target, within, agrees = measure(embedding, probs, vectors, LABELS, Similarity('sum'))
    # Two pixels know 2 of 8 entries, two know 4 of 8.
    assert q == pytest.approx(target) == pytest.approx((2 + 2 + 1 + 1) / 4)
    assert within == pytest.approx(0, abs=1e-5) and agrees == 1


def test_main__reads_a_run(tmp_path, monkeypatch, capsys):
    config = write_config(tmp_path, uda=True)
    content = json.loads(config.read_text())
    content['uda']['instance'] |= {'num_entries': 5, 'fill_patience': 1}
    content['uda']['imnet_feature_dist_lambda'] = 0
    config.write_text(json.dumps(content))
    run = tmp_path / 'run'
    monkeypatch.setattr(sys, 'argv', ['train', str(config), '--work-dir', str(run)])
    run_cli(train.main)
    capsys.readouterr()
    monkeypatch.setattr(sys, 'argv', ['measure', str(run), '--num-images', '2'])
    run_cli(measure_similarity.main)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == '5 entries: at most 2.32 bits'
    assert [line.split()[0] for line in lines[2:]] == ['sum'] + ['softmax'] * 5
