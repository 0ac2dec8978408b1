"""Methods of networks, heads and hooks that are documented to be overridden, are called."""

import numpy as np
import pytest
import torch
from torch import nn

from mmseg.core.hooks import EvalHook
from mmseg.models import HEADS, SEGMENTORS, UDA, build_segmentor
from mmseg.models.backbones import MixVisionTransformer, ResNet
from mmseg.models.decode_heads import FCNHead
from mmseg.models.segmentors import BaseSegmentor, EncoderDecoder
from mmseg.models.uda import DACS
from mmseg.utils.errors import UserError
from tests.compatibility.networks import batch, metas, model, network


def own(registry, base, **methods):
    """Register a subclass with methods of its own and return its name."""
    cls = type('Own', (base,), methods)
    registry.register_module(force=True)(cls)
    return cls


def with_head(base=FCNHead, **methods):
    own(HEADS, base, **methods)
    return network({'type': 'Own'})


def with_segmentor(**methods):
    own(SEGMENTORS, EncoderDecoder, **methods)
    return network(kind='Own')


@pytest.mark.parametrize('place', ['_decode_head_forward_train', 'forward_train'])
def test_training__goes_the_network_s_own_way(place):
    def method(self, *args, **kwargs):
        losses = getattr(super(Own, self), place)(*args, **kwargs)
        return {**losses, 'loss_more': torch.tensor(7.0, requires_grad=True)}

    Own = own(SEGMENTORS, EncoderDecoder, **{place: method})
    losses = network(kind='Own')(**batch())
    plain = network()(**batch())
    assert losses['loss_more'] == 7
    assert torch.equal(losses['decode.loss_seg'], plain['decode.loss_seg'])
    outcome = network(kind='Own').train_step(batch())
    torch.testing.assert_close(outcome['loss'], plain['decode.loss_seg'] + 7)


def test_training__auxiliary_heads_go_their_own_way():
    def method(self, x, img_metas, gt_semantic_seg):
        return {'aux.loss_seg': x[0].mean() * 0 + 2}

    own(SEGMENTORS, EncoderDecoder, _auxiliary_head_forward_train=method)
    aux = [{**model()['decode_head'], 'in_index': 2, 'in_channels': 32}] * 2
    assert network(kind='Own', auxiliary_head=aux)(**batch())['aux.loss_seg'] == 2
    plain = network(auxiliary_head=aux)(**batch())
    assert {'aux_0.loss_seg', 'aux_1.acc_seg'} <= set(plain)


def test_training__heads_go_their_own_way():
    def method(self, inputs, img_metas, gt_semantic_seg, train_cfg):
        logits = self.forward(inputs)
        return {'loss_own': self.losses(logits, gt_semantic_seg)['loss_seg'] * 2}

    losses = with_head(forward_train=method)(**batch())
    expected = network()(**batch())['decode.loss_seg']
    assert list(losses) == ['decode.loss_own']
    assert torch.equal(losses['decode.loss_own'], 2 * expected)


def test_training__losses_of_the_head():
    def method(self, seg_logit, seg_label):
        return {'loss_mine': seg_logit.sum() * 0 + 3}

    assert with_head(losses=method)(**batch())['decode.loss_mine'] == 3


def test_head__classifies_and_chooses_inputs_its_own_way():
    classified = with_head(cls_seg=lambda self, feat: self.conv_seg(feat) * 0 + 5)
    assert (classified.encode_decode(batch()['img'], metas()) == 5).all()
    chosen = with_head(_transform_inputs=lambda self, inputs: torch.zeros_like(inputs[3]))
    logits = chosen.encode_decode(batch()['img'], metas(2))
    assert torch.allclose(logits[0], logits[1])


def test_head__inputs_are_set_up_its_own_way():
    def method(self, in_channels, in_index, input_transform):
        self.in_channels, self.in_index, self.input_transform = 64, 3, None

    own(HEADS, FCNHead, _init_inputs=method)
    assert network({'type': 'Own', 'in_channels': [8, 64]}).decode_head.in_index == 3


@pytest.mark.parametrize('place', ['forward_test', 'forward'])
def test_testing__heads_go_their_own_way(place):
    def method(self, inputs, img_metas=None, test_cfg=None):
        return inputs[3].new_full((len(inputs[3]), 4, 2, 2), 1.5)

    net = with_head(**{place: method})
    assert (net.encode_decode(batch()['img'], metas()) == 1.5).all()


@pytest.mark.parametrize('place', ['_decode_head_forward_test', 'encode_decode', 'extract_feat'])
def test_testing__goes_the_network_s_own_way(place):
    calls = []

    def method(self, *args):
        calls.append(place)
        return getattr(super(Own, self), place)(*args)

    Own = own(SEGMENTORS, EncoderDecoder, **{place: method})
    net = network(kind='Own')
    (labels,) = net.simple_test(batch(1)['img'], metas())
    assert calls == [place]
    assert np.array_equal(labels, network().simple_test(batch(1)['img'], metas())[0])


@pytest.mark.parametrize('place', ['inference', 'slide_inference', 'whole_inference'])
def test_testing__infers_its_own_way(place):
    def method(self, img, img_meta, rescale):
        return nn.functional.one_hot(torch.full((1, 64, 64), 2), 4).movedim(-1, 1).float()

    own(SEGMENTORS, EncoderDecoder, **{place: method})
    window = {'crop_size': (32, 32), 'stride': (32, 32)}
    test_cfg = {'mode': 'slide' if place == 'slide_inference' else 'whole', **window}
    net = network(kind='Own', test_cfg=test_cfg)
    view = ([batch(1)['img']], [metas()])
    assert (net(*view, return_loss=False)[0] == 2).all()
    assert (net.predict_labels(*view) == 2).all()
    assert net.decide(*view, with_confidence=True).confidence.min() > 0.4


def test_testing__own_label_maps_are_those_of_an_evaluation():
    net = with_segmentor(
        simple_test=lambda self, img, img_meta, rescale=True: [np.full((64, 64), 3)]
    )
    view = ([batch(1)['img']], [metas()])
    assert (net.predict_labels(*view) == 3).all()
    decision = net.decide(*view, with_confidence=True)
    assert (decision.labels == 3).all()
    assert torch.equal(decision.confidence, net.inference(*(v[0] for v in view), True)[:, 3])


def test_segmentor__of_one_s_own_from_the_base():
    @SEGMENTORS.register_module(force=True)
    class Threshold(BaseSegmentor):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(1))

        def extract_feat(self, img):
            return [img * self.weight]

        def encode_decode(self, img, img_metas):
            return self.extract_feat(img)[0]

        def forward_train(self, img, img_metas, gt_semantic_seg):
            return {'loss_mean': self.encode_decode(img, img_metas).abs().mean()}

        def simple_test(self, img, img_meta, rescale=True):
            return list(self.encode_decode(img, img_meta).argmax(1).cpu().numpy())

        def aug_test(self, imgs, img_metas, rescale=True):
            return self.simple_test(imgs[0], img_metas[0])

    net = build_segmentor({'type': 'Threshold'})
    net.init_weights()
    assert net.train_step(batch())['loss'].requires_grad
    img = batch(1)['img']
    assert torch.equal(net.predict_labels([img], [metas()]), img.argmax(1))


def test_heads__are_built_the_network_s_own_way():
    def method(self, decode_head):
        EncoderDecoder._init_decode_head(self, {**decode_head, 'num_classes': 7})

    assert with_segmentor(_init_decode_head=method).num_classes == 7


def test_backbone__stem_and_freezing_are_its_own():
    class Own(ResNet):
        def _make_stem_layer(self, in_channels, stem_channels):
            super()._make_stem_layer(in_channels, stem_channels)
            self.maxpool = nn.Identity()

        def _freeze_stages(self):
            self.conv1.requires_grad_(False)

    net = Own(depth=18, base_channels=8)
    assert net(torch.zeros(1, 3, 32, 32))[0].shape[-1] == 16
    assert not net.conv1.weight.requires_grad


@pytest.mark.parametrize(
    ('base', 'name'),
    [
        (ResNet, 'make_res_layer'),
        (MixVisionTransformer, 'forward_features'),
        (DACS, '_update_ema'),
        (DACS, 'calc_feat_dist'),
        (EvalHook, 'evaluate'),
        (EvalHook, '_do_evaluate'),
    ],
)
def test_override__that_would_never_be_called_is_refused(base, name):
    with pytest.raises(UserError, match=rf'Own\.{name} would never be called: '):
        type('Own', (base,), {name: lambda self, *args: None})


@pytest.mark.parametrize(
    ('registry', 'base', 'place'),
    [
        (SEGMENTORS, EncoderDecoder, 'forward_train'),
        (SEGMENTORS, EncoderDecoder, '_decode_head_forward_train'),
        (SEGMENTORS, EncoderDecoder, 'encode_decode'),
        (HEADS, FCNHead, 'forward_train'),
        (HEADS, FCNHead, 'forward_test'),
    ],
)
def test_adaptation__refuses_ways_that_it_would_not_go(registry, base, place):
    own(registry, base, **{place: lambda self, *args: None})
    cfg = model(kind='Own') if registry is SEGMENTORS else model({'type': 'Own'})
    with pytest.raises(UserError, match=rf'Own\.{place} would never be called under adaptation'):
        UDA.build({'type': 'DACS', 'model': cfg})


def test_adaptation__calls_what_it_does_not_refuse():
    calls = []

    def extract_feat(self, img):
        calls.append('extract_feat')
        return EncoderDecoder.extract_feat(self, img)

    def cls_seg(self, feat):
        calls.append('cls_seg')
        return FCNHead.cls_seg(self, feat)

    own(SEGMENTORS, EncoderDecoder, extract_feat=extract_feat)
    HEADS.register_module(name='OwnHead', force=True)(
        type('OwnHead', (FCNHead,), {'cls_seg': cls_seg})
    )
    method = UDA.build({'type': 'DACS', 'model': model({'type': 'OwnHead'}, kind='Own')})
    data = batch()
    method.train()(**data, target_img=data['img'], target_img_metas=data['img_metas'])
    assert calls == ['extract_feat', 'cls_seg'] * 3  # source, teacher, mixture
