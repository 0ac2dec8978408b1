"""Decode heads as mmsegmentation 0.16 has them: written, configured and called."""

import pytest
import torch
from torch import nn

from mmseg.models import HEADS, UDA, build_head, build_segmentor
from mmseg.models.decode_heads import BaseDecodeHead
from mmseg.utils.errors import UserError
from tests.compatibility.networks import batch, metas, model


class ForwardHead(BaseDecodeHead):
    """Implements `forward` alone, as the tutorial's."""

    def __init__(self, scale=1.0, **kwargs):
        super().__init__(**kwargs)
        self.scale = scale
        self.conv = nn.Conv2d(self.in_channels, self.channels, 1)

    def forward(self, inputs):
        x = self._transform_inputs(inputs)
        return self.cls_seg(self.conv(x) * self.scale)


@pytest.fixture(autouse=True, scope='module')
def _registered():
    HEADS.register_module()(ForwardHead)


def forward_model(**more):
    head = {'type': 'ForwardHead', 'in_channels': 64, 'in_index': 3, 'channels': 8}
    return {**model(**more), 'decode_head': {**head, 'num_classes': 4}}


def test_forward_alone__trains_and_tests():
    net = build_segmentor(forward_model()).eval()
    net(**batch())['decode.loss_seg'].backward()
    assert net.decode_head.conv.weight.grad.abs().sum() > 0
    assert net.encode_decode(batch()['img'], metas(2)).shape == (2, 4, 64, 64)


def test_forward_alone__has_no_embedding():
    net = build_segmentor(forward_model()).eval()
    assert net.decode_head.embed_channels is None
    assert net.forward_embedding(batch()['img']).embedding is None
    with pytest.raises(UserError, match='ForwardHead has no embedding: it implements forward'):
        net.decode_head.embed([torch.zeros(1, 64, 2, 2)] * 4)


def test_forward_alone__adapts_without_the_instance_level_only():
    UDA.build({'type': 'DACS', 'model': forward_model()})
    with pytest.raises(UserError, match='ForwardHead has no embedding, which the instance level'):
        UDA.build({'type': 'DACS', 'model': forward_model(), 'instance': {}})


def test_forward_alone__serves_subclasses():
    class Doubled(ForwardHead):
        pass

    class Embedding(ForwardHead):
        def embed(self, inputs):
            return self.conv(self._transform_inputs(inputs))

    assert Doubled.has_own_forward and not Embedding.has_own_forward


def test_head__with_two_ways_to_decode_is_refused():
    with pytest.raises(UserError, match='Both implements forward and embed: forward is the class'):
        type('Both', (BaseDecodeHead,), {'forward': lambda *_: 0, 'embed': lambda *_: 0})


def test_head__without_any_is_refused():
    class Nothing(BaseDecodeHead):
        pass

    with pytest.raises(UserError, match='Nothing implements neither forward nor embed'):
        Nothing(in_channels=4, channels=4, num_classes=2)


def test_head__takes_init_cfg():
    init_cfg = {'type': 'Constant', 'val': 0.25, 'override': {'name': 'conv_seg'}}
    cfg = {**forward_model()['decode_head'], 'init_cfg': init_cfg}
    head = build_head(cfg)
    head.init_weights()
    assert (head.conv_seg.weight == 0.25).all()
