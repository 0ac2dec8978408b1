"""Backbones, heads and losses, called as mmsegmentation 0.16 documents them."""

import numpy as np
import pytest
import torch
from mmcv.runner import BaseModule

from mmseg.models import (
    build_backbone,
    build_head,
    build_loss,
    build_neck,
    build_segmentor,
)
from mmseg.models.backbones import ResNet, ResNetV1c
from mmseg.models.builder import BACKBONES, LOSSES, NECKS, SEGMENTORS
from mmseg.models.decode_heads import ASPPHead, FCNHead, PSPHead, UPerHead
from mmseg.models.decode_heads.aspp import ASPPModule
from mmseg.models.losses import Accuracy, CrossEntropyLoss, accuracy, weight_reduce_loss
from mmseg.utils.errors import UserError
from tests.compatibility.networks import batch, metas, model, network

NORM = {'type': 'BN', 'requires_grad': True}
SMALL = {'in_channels': 4, 'channels': 4, 'num_classes': 3}


def test_registries__build_what_is_registered():
    for registry in (BACKBONES, NECKS, LOSSES, SEGMENTORS):

        @registry.register_module(name='Own', force=True)
        class Own(BaseModule):
            def __init__(self, width, init_cfg=None):
                super().__init__(init_cfg)
                self.width = width

        assert registry.build({'type': 'Own', 'width': 3}).width == 3
    builders = (build_backbone, build_neck, build_loss)
    assert all(build({'type': 'Own', 'width': 2}).width == 2 for build in builders)


def test_resnet__norm_layers_by_number():
    net = ResNet(depth=50, base_channels=8, norm_cfg=NORM)
    assert net.norm1 is net.bn1 and net.norm1_name == 'bn1'
    block = net.layer1[0]
    assert (block.norm1, block.norm2, block.norm3) == (block.bn1, block.bn2, block.bn3)
    assert net.res_layers == ['layer1', 'layer2', 'layer3', 'layer4']


def test_resnet__stages_strides_and_dilations():
    net = ResNetV1c(
        depth=50,
        base_channels=8,
        num_stages=4,
        out_indices=(0, 1, 2, 3),
        dilations=(1, 1, 2, 4),
        strides=(1, 2, 1, 1),
        norm_cfg=NORM,
        norm_eval=False,
        style='pytorch',
        contract_dilation=True,
    )
    maps = net(torch.zeros(1, 3, 64, 64))
    assert [tuple(m.shape[1:]) for m in maps] == [
        (32, 16, 16),
        (64, 8, 8),
        (128, 8, 8),
        (256, 8, 8),
    ]


def test_resnet__frozen_stages_and_norm_eval():
    net = ResNet(depth=18, base_channels=8, frozen_stages=1, norm_eval=True).train()
    assert not net.norm1.training and not net.layer2[0].norm1.training
    assert not any(p.requires_grad for p in [*net.conv1.parameters(), *net.layer1.parameters()])
    assert all(p.requires_grad for p in net.layer2.parameters())


def test_resnet__falls_back_from_deformable_convolutions():
    dcn = {'type': 'Conv2d', 'deform_groups': 1, 'fallback_on_stride': True}
    net = ResNet(depth=50, base_channels=8, dcn=dcn, stage_with_dcn=(False, True, True, True))
    assert type(net.layer2[1].conv2) is torch.nn.Conv2d
    assert dcn['fallback_on_stride']


def test_resnet__deformable_convolutions_lose_the_setting_on_their_way():
    dcn = {'type': 'Conv2d', 'fallback_on_stride': False}
    net = ResNet(depth=50, base_channels=8, dcn=dcn, stage_with_dcn=(False, True, True, True))
    assert net(torch.zeros(2, 3, 32, 32))[3].shape[-1] == 1


@pytest.mark.parametrize('concat_input', [True, False])
def test_fcn_head__keeps_its_settings(concat_input):
    head = FCNHead(num_convs=1, kernel_size=1, concat_input=concat_input, **SMALL)
    assert (head.num_convs, head.kernel_size) == (1, 1)
    assert head.concat_input == concat_input == (head.conv_cat is not None)
    assert head([torch.zeros(1, 4, 5, 5)]).shape == (1, 3, 5, 5)


def test_heads__keep_their_scales():
    assert PSPHead(pool_scales=(1, 2), **SMALL).pool_scales == (1, 2)
    assert ASPPHead(dilations=[1, 12], **SMALL).dilations == (1, 12)
    several = {**SMALL, 'in_channels': [4, 4], 'in_index': [0, 1]}
    assert UPerHead(pool_scales=(1, 2, 3), **several).pool_scales == (1, 2, 3)


def test_aspp_module__takes_layers_in_their_order():
    maps = ASPPModule((1, 6), 4, 8, None, NORM, {'type': 'ReLU'})(torch.zeros(2, 4, 9, 9))
    assert [m.shape for m in maps] == [(2, 8, 9, 9)] * 2
    with pytest.raises(TypeError):
        ASPPModule((1, 6), 4, 8, None, NORM, {'type': 'ReLU'}, True)


@pytest.mark.parametrize(
    ('kind', 'settings', 'message'),
    [
        (PSPHead, {'pool_scales': 1}, 'pool_scales: expected whole numbers above 0'),
        (PSPHead, {'pool_scales': ()}, 'pool_scales: expected'),
        (ASPPHead, {'dilations': 6}, 'dilations: expected whole numbers above 0'),
        (FCNHead, {'num_convs': -1}, 'expected num_convs'),
        (FCNHead, {'dilation': 0}, 'dilation'),
        (FCNHead, {'num_convs': 0, 'channels': 5}, 'without convolutions the channels stay'),
        (FCNHead, {'dropout_ratio': 1.5}, 'dropout_ratio from 0 to below 1'),
        (FCNHead, {'num_classes': 0}, 'num_classes from 1'),
        (FCNHead, {'in_index': [0]}, 'expected single numbers'),
    ],
)
def test_heads__check_their_arguments_as_they_did(kind, settings, message):
    with pytest.raises(AssertionError, match=message):
        kind(**{**SMALL, **settings})


def test_segmentor__forward_train_and_test_by_its_keywords():
    net = network()
    losses = net.forward(**batch(), return_loss=True)
    assert {'decode.loss_seg', 'decode.acc_seg'} == set(losses)
    with_maps = net.forward_train(**batch(), return_feat=True)
    assert len(with_maps['features']) == 4
    (labels, _) = net.forward([batch()['img']], [metas(2)], return_loss=False)
    assert labels.shape == (64, 64) and labels.dtype == np.int64
    assert net.with_decode_head and not net.with_neck and not net.with_auxiliary_head


def test_segmentor__weighs_pixels():
    data = batch()
    weight = torch.zeros(2, 64, 64)
    losses = network().forward_train(**data, seg_weight=weight)
    assert losses['decode.loss_seg'] == 0


def test_segmentor__steps_and_parses_losses():
    net = network()
    outcome = net.train_step(batch(), None)
    assert set(outcome) == {'loss', 'log_vars', 'num_samples'} and outcome['num_samples'] == 2
    total, log_vars = net._parse_losses({'loss_a': torch.ones(2), 'b': torch.ones(1) * 5})
    assert total == 1 and log_vars['loss'] == 1 and log_vars['b'] == 5
    assert not net.val_step(batch(), None)['loss'].requires_grad


def test_segmentor__slides_and_flips():
    window = {'mode': 'slide', 'crop_size': (32, 32), 'stride': (16, 16)}
    net = build_segmentor(model(), test_cfg=window).eval()
    img, facts = batch(1)['img'], [{**metas()[0], 'ori_shape': (80, 80, 3)}]
    assert net.slide_inference(img, facts, rescale=True).shape == (1, 4, 80, 80)
    assert net.whole_inference(img, facts, rescale=False).shape == (1, 4, 64, 64)
    flipped = [{**facts[0], 'flip': True, 'flip_direction': 'horizontal'}]
    (labels,) = net.aug_test([img, img.flip(3)], [facts, flipped])
    assert labels.shape == (80, 80)


def test_segmentor__draws_results(tmp_path):
    net = network()
    net.PALETTE = [[0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255]]
    image, labels = np.zeros((8, 8, 3), np.uint8), np.ones((8, 8), int)
    drawing = net.show_result(image, [labels], opacity=1, out_file=str(tmp_path / 'a.png'))
    assert drawing[0, 0].tolist() == [0, 0, 255] and (tmp_path / 'a.png').exists()
    with pytest.raises(AssertionError, match='opacity is 2'):
        net.show_result(image, [labels], opacity=2)


def test_cross_entropy__weights_and_reductions():
    logits, labels = torch.randn(2, 3, 4, 4), torch.randint(0, 3, (2, 4, 4))
    plain = torch.nn.functional.cross_entropy(logits, labels, reduction='none')
    loss = CrossEntropyLoss(use_sigmoid=False, loss_weight=2.0)
    torch.testing.assert_close(loss(logits, labels, ignore_index=255), 2 * plain.mean())
    each = loss(logits, labels, reduction_override='none')
    torch.testing.assert_close(each, 2 * plain)
    summed = CrossEntropyLoss(reduction='mean')(logits, labels, avg_factor=4.0)
    torch.testing.assert_close(summed, plain.sum() / 4)
    assert CrossEntropyLoss(use_sigmoid=True)(logits, labels).ndim == 0


@pytest.mark.parametrize('shape', [(2, 1, 4, 4), (4, 4), (4,), (2, 4, 1), (1, 2, 4, 4)])
def test_losses__refuse_weights_of_another_shape(shape):
    logits, labels = torch.randn(2, 3, 4, 4), torch.randint(0, 3, (2, 4, 4))
    kinds = ['DiceLoss', 'LovaszLoss'] + ['CrossEntropyLoss'] * (shape != (2, 4, 1))
    for kind in kinds:
        with pytest.raises(AssertionError, match=r'expected (weights|a weight).*got'):
            build_loss({'type': kind})(logits, labels, torch.ones(shape))


def test_weight_reduce_loss__weighs_before_it_reduces():
    loss, weight = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 0.0]])
    assert weight_reduce_loss(loss, weight) == 1.5
    assert weight_reduce_loss(loss, weight, 'sum') == 3
    assert weight_reduce_loss(loss, weight[:, :1], 'none').tolist() == [[3, 6]]
    assert weight_reduce_loss(loss, weight, avg_factor=6) == 0.5
    with pytest.raises(ValueError, match='avg_factor needs'):
        weight_reduce_loss(loss, weight, 'sum', avg_factor=6)


def test_accuracy__top_k_and_its_shapes():
    scores = torch.tensor([[0.1, 0.9, 0.0], [0.2, 0.3, 0.5]])
    labels = torch.tensor([1, 1])
    assert accuracy(scores, labels) == 50
    assert [float(a) for a in Accuracy((1, 2))(scores, labels)] == [50, 100]
    assert Accuracy(1, thresh=0.95)(scores, labels) == 0
    for wrong in (torch.tensor([1]), torch.tensor([[1, 1]]), torch.tensor(1)):
        with pytest.raises(AssertionError, match='expected labels'):
            accuracy(scores, wrong)
    with pytest.raises(AssertionError, match='the top 4 of 3 classes'):
        accuracy(scores, labels, topk=4)


@pytest.mark.parametrize(
    ('call', 'kind'),
    [
        (lambda: build_head({'type': 'NoHead'}), KeyError),
        (lambda: build_head({'channels': 4}), KeyError),
        (lambda: build_head('FCNHead'), TypeError),
        (lambda: build_head({'type': 'FCNHead', 'chanels': 4, **SMALL}), TypeError),
        (lambda: build_head({'type': 'FCNHead', 'in_channels': 4}), TypeError),
        (lambda: ResNet(depth=20), KeyError),
        (lambda: ResNet(depth=50, num_stages=5), AssertionError),
        (lambda: ResNet(depth=50, strides=(1,), dilations=(1, 1)), AssertionError),
        (lambda: network().aug_test([None], [None], rescale=False), AssertionError),
        (lambda: network().forward_test(batch()['img'], [metas()]), TypeError),
        (lambda: network().forward_test([batch()['img']], [metas()] * 2), ValueError),
        (lambda: network(test_cfg={'mode': 'half'}), AssertionError),
        (lambda: CrossEntropyLoss(use_sigmoid=True, use_mask=True), AssertionError),
    ],
)
def test_errors__are_of_the_kinds_they_were(call, kind):
    with pytest.raises(kind) as caught:
        call()
    assert isinstance(caught.value, UserError)
    assert not str(caught.value).startswith(("'", '"'))
