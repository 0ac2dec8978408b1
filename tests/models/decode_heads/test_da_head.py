"""DANet's head: its two attentions, and the losses of its branches."""

import pytest
import torch
from torch import nn

from mmseg.models import build_head, build_segmentor
from mmseg.models.decode_heads.da_head import ChannelAttention, PositionAttention
from tests.models.networks import small_architecture


def small_head(**settings):
    torch.manual_seed(0)
    cfg = {'in_channels': 6, 'channels': 8, 'pam_channels': 3, 'num_classes': 5, **settings}
    return build_head({'type': 'DAHead', **cfg})


def test_channel_attention__equals_the_published_formula():
    attention = ChannelAttention()
    nn.init.constant_(attention.gamma.scale, 0.5)
    x = torch.randn(3, 6, 4, 5)
    flat = x.flatten(2)
    energy = flat @ flat.transpose(1, 2)
    energy = energy.max(-1, keepdim=True)[0] - energy
    expected = 0.5 * (energy.softmax(-1) @ flat).reshape(x.shape) + x
    torch.testing.assert_close(attention(x), expected)


@pytest.mark.parametrize('attention', [PositionAttention(6, 3), ChannelAttention()])
def test_attention__begins_as_the_identity(attention):
    x = torch.randn(3, 6, 4, 5)
    assert torch.equal(attention(x), x)


def test_decode__branches_have_classifiers_of_their_own():
    head = small_head().eval()
    decoded = head.decode([torch.randn(3, 6, 4, 5)])
    assert set(decoded.branches) == {'pam', 'cam'}
    shapes = {logits.shape for logits in (decoded.logits, *decoded.branches.values())}
    assert shapes == {(3, 5, 4, 5)}
    assert torch.equal(decoded.logits, head.cls_seg(decoded.embedding))


@pytest.mark.parametrize('weighted', [False, True])
def test_forward_train__every_classifier_has_its_loss(weighted):
    head = small_head(dropout_ratio=0).eval()
    maps, labels = [torch.randn(3, 6, 4, 5)], torch.randint(0, 5, (3, 1, 8, 10))
    weight = torch.rand(3, 8, 10) if weighted else None
    losses = head.forward_train(maps, [{}] * 3, labels, seg_weight=weight)
    decoded = head.decode(maps)
    for name, logits in (('pam_cam', decoded.logits), *(decoded.branches.items())):
        expected = head.losses(logits, labels, weight)
        torch.testing.assert_close(losses[f'{name}.loss_seg'], expected['loss_seg'])
        torch.testing.assert_close(losses[f'{name}.acc_seg'], expected['acc_seg'])
    assert len(losses) == 6


def test_segmentor__logs_the_losses_of_the_branches():
    network = build_segmentor(small_architecture('danet_r50-d8'))
    labels = torch.randint(0, 5, (2, 1, 64, 96))
    losses = network.forward_train(torch.randn(2, 3, 64, 96), [{}] * 2, labels)
    names = [f'{name}.{kind}_seg' for name in ('pam_cam', 'pam', 'cam') for kind in ('loss', 'acc')]
    assert list(losses) == [f'decode.{name}' for name in names]
