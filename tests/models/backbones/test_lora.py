"""Adapters on an encoder's attention."""

import sys

import pytest
import timm
import torch
from safetensors.torch import save_file

from mmseg.models.backbones import TimmBackbone
from mmseg.models.backbones.lora import merge_lora
from mmseg.utils.errors import UserError

pytest.importorskip('peft', reason='needs the package peft')
VIT = 'vit_tiny_patch16_224'


def with_lora(name=VIT, **settings):
    torch.manual_seed(0)
    return TimmBackbone(name, lora={'rank': 4, **settings})


def moved(backbone):
    """Let the adapters differ from the zero that they begin with."""
    for name, parameter in backbone.named_parameters():
        if 'lora_B' in name:
            torch.nn.init.normal_(parameter, std=0.05)
    return backbone.eval()


def test_lora__adapters_of_attention_alone_learn():
    learning = {name for name, p in with_lora().named_parameters() if p.requires_grad}
    assert len(learning) == 12 * 2 * 2  # A and B, of qkv and proj, in twelve blocks
    assert all('.attn.' in name and 'lora_' in name for name in learning)


def test_lora__begins_as_the_encoder_without():
    torch.manual_seed(0)
    plain, adapted = TimmBackbone(VIT).eval(), with_lora().eval()
    image = torch.randn(1, 3, 64, 96)
    for ours, theirs in zip(adapted(image), plain(image), strict=True):
        torch.testing.assert_close(ours, theirs)


@torch.no_grad()
def test_merge_lora__computes_the_same_under_the_encoders_own_names():
    backbone = moved(with_lora())
    image = torch.randn(1, 3, 64, 96)
    before = backbone(image)
    plain = TimmBackbone(VIT).eval()
    plain.load_state_dict(merge_lora(backbone).state_dict())
    for ours, theirs in zip(plain(image), before, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


def test_init_weights__loads_the_encoder_under_its_adapters(tmp_path):
    torch.manual_seed(7)
    weights = timm.create_model(VIT, num_classes=0)
    path = tmp_path / 'vit.safetensors'
    save_file(weights.state_dict(), path)
    backbone = TimmBackbone(VIT, pretrained=str(path), lora={}).eval()
    backbone.init_weights()
    assert backbone.is_pretrained
    image = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        expected = weights.eval().forward_intermediates(image, [11], norm=True)[1][0]
        torch.testing.assert_close(backbone(image)[-1], expected, atol=1e-5, rtol=1e-4)


def test_lora__in_front_of_frozen_stages_stays_as_it_is():
    backbone = TimmBackbone(VIT, frozen_stages=4, lora={})
    learning = {n.split('.')[2] for n, p in backbone.named_parameters() if p.requires_grad}
    assert learning == {str(block) for block in range(4, 12)}


@pytest.mark.parametrize(
    ('name', 'lora', 'message'),
    [
        ('resnet18', {}, 'lora: resnet18 has no attention of linear layers'),
        (VIT, {'r': 4}, 'lora: expected the keys rank, alpha, dropout, got r'),
        (VIT, {'rank': 0}, r'lora: expected a rank from 1, .* got 0, 16 and 0\.0'),
    ],
)
def test_lora__what_can_not_be_is_refused(name, lora, message):
    with pytest.raises(UserError, match=message):
        TimmBackbone(name, lora=lora)


def test_lora__a_missing_package_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, 'peft', None)
    with pytest.raises(UserError, match=r"needs the package peft, .*: pip install 'peft"):
        with_lora()
