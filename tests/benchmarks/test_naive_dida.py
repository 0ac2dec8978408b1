"""The plain step is the same step: the figures of a benchmark compare like with like."""

import copy

import pytest
import torch

from benchmarks.naive_dida import NaiveDIDA
from benchmarks.naive_network import naive_networks
from mmseg.apis import load_config
from mmseg.models import build_segmentor, build_train_model
from mmseg.speed import SpeedSettings, quicken
from tests.models.segmentors.test_hrda_encoder_decoder import small_hrda
from tests.models.uda.test_dacs import INSTANCE, batch, build, sgd


@pytest.mark.parametrize(
    'settings',
    [
        {},
        {'form': 'softmax', 'temperature': 0.5},
        {'smoothing': 0.7},
        {'form': 'softmax', 'smoothing': 0.7},
    ],
)
def test_naive_step__has_the_losses_and_gradients_of_the_lean_one(settings):
    lean = build(instance={**INSTANCE, **settings})
    for seed in range(3):
        lean.train_step(batch(2, seed), sgd(lean))
    assert lean.bank.is_full
    naive = NaiveDIDA(naive_networks(copy.deepcopy(lean))).train()
    quicken(lean, torch.device('cpu'), SpeedSettings())
    values = lean.train_step(batch(2, 5), sgd(lean))['log_vars']
    plain = naive.train_step(batch(2, 5), sgd(naive.dacs))['log_vars']
    assert 'mix.loss_instance' in plain
    assert plain == pytest.approx({name: values[name] for name in plain}, rel=1e-4)
    for ours, theirs in zip(lean.model.parameters(), naive.dacs.model.parameters(), strict=True):
        if theirs.grad is not None:
            torch.testing.assert_close(ours.grad, theirs.grad, rtol=2e-2, atol=1e-5)
    torch.testing.assert_close(lean.bank.features, naive.bank.features)
    assert torch.equal(lean.bank.labels, naive.bank.labels)


def test_naive_step__of_two_scales_has_the_losses_of_the_lean_one():
    torch.manual_seed(0)
    model = small_hrda({'hr_crop_size': [32, 32]})
    uda = {
        'type': 'DACS',
        'pseudo_threshold': 0.1,
        'instance': {'num_entries': 7, 'fill_patience': 1},
    }
    lean = build_train_model({'model': model, 'uda': uda, 'seed': 0}).train()
    naive = NaiveDIDA(naive_networks(copy.deepcopy(lean))).train()
    assert type(naive.dacs.ema_model).__name__ == 'NaiveHRDA'
    for seed in range(3):
        data = batch(2, seed)
        values = lean.train_step(data, sgd(lean))['log_vars']
        plain = naive.train_step(data, sgd(naive.dacs))['log_vars']
        assert {'decode.hr.loss_seg', 'mix.decode.hr.loss_seg'} <= plain.keys()
        assert plain == pytest.approx({name: values[name] for name in plain}, rel=1e-3)
    assert 'mix.loss_instance' in plain


def test_naive_step__fills_the_bank_alike():
    lean = build(instance=INSTANCE)
    naive = NaiveDIDA(copy.deepcopy(lean)).train()
    lean.train_step(batch(), sgd(lean))
    naive.train_step(batch(), sgd(naive.dacs))
    torch.testing.assert_close(lean.bank.features, naive.bank.features)
    assert lean.bank.num_filled == naive.bank.num_filled > 0


def test_naive_networks__compute_the_same_with_attention_spelled_out():
    config = load_config('benchmarks/gta2cs_dida_mitb0.py').model
    config.pretrained = None
    torch.manual_seed(0)
    model = build_segmentor(config).eval()
    naive = naive_networks(copy.deepcopy(model))
    classes = {type(layer).__name__ for layer in naive.modules()}
    assert 'NaiveAttention' in classes and 'EfficientAttention' not in classes
    img = torch.randn(2, 3, 64, 96)
    for value, expected in zip(
        naive.forward_embedding(img)[:2], model.forward_embedding(img)[:2], strict=True
    ):
        torch.testing.assert_close(value, expected, rtol=1e-3, atol=1e-4)
