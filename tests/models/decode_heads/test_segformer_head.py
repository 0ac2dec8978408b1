"""SegFormer's head: its layers and settings."""

import pytest
import torch

from mmseg.models import build_head
from mmseg.utils.errors import UserError

MAPS = ((3, 16, 12), (5, 8, 6), (6, 4, 3))
PARAMS = {'embed_dim': 8, 'conv_kernel_size': 1}


def small_head(params=PARAMS, **settings):
    torch.manual_seed(0)
    cfg = {'in_channels': [3, 5, 6], 'in_index': [0, 1, 2], 'channels': 4, 'num_classes': 5}
    return build_head({'type': 'SegFormerHead', 'decoder_params': params, **cfg, **settings})


def test_embedding__is_what_the_classifier_reads():
    head = small_head(dropout_ratio=0).eval()
    maps = [torch.randn(3, *size) for size in MAPS]
    embedding = head.embed(maps)
    assert embedding.shape == (3, head.embed_channels, 16, 12) == (3, 8, 16, 12)
    torch.testing.assert_close(head(maps), head.linear_pred(embedding))


def test_cls_seg__drops_channels_in_training_only():
    head = small_head(dropout_ratio=0.5).train()
    embedding = torch.ones(1, 8, 3, 3)
    assert not torch.equal(head.cls_seg(embedding), head.linear_pred(embedding))
    assert torch.equal(head.eval().cls_seg(embedding), head.linear_pred(embedding))


@pytest.mark.parametrize('kernel_size', [1, 3])
def test_fusion__keeps_the_size(kernel_size):
    head = small_head({**PARAMS, 'conv_kernel_size': kernel_size})
    assert head([torch.randn(2, *size) for size in MAPS]).shape == (2, 5, 16, 12)


@pytest.mark.parametrize(
    ('params', 'message'),
    [
        ({'embed_dim': 8}, "decoder_params lacks 'conv_kernel_size'; it holds embed_dim"),
        ({**PARAMS, 'embed_dims': 8}, "no setting 'embed_dims'; did you mean 'embed_dim'"),
    ],
)
def test_decoder_params__mistake_is_named(params, message):
    with pytest.raises(UserError, match=message):
        small_head(params)
