"""What all heads share: choice of inputs, classifier, losses."""

import pytest
import torch

from mmseg.models.decode_heads import BaseDecodeHead
from mmseg.utils.errors import UserError


class PlainHead(BaseDecodeHead):
    """Takes its inputs as they are."""

    def embed(self, inputs):
        return self._transform_inputs(inputs)


def features(batch=1):
    torch.manual_seed(0)
    return [torch.randn(batch, 2, 8, 6), torch.randn(batch, 3, 4, 3), torch.randn(batch, 4, 2, 2)]


def plain_head(**settings):
    return PlainHead(**{'in_channels': 4, 'channels': 4, 'num_classes': 5, **settings}).eval()


def test_inputs__one_map_by_its_index():
    assert torch.equal(plain_head().embed(features()), features()[-1])


def test_inputs__several_maps():
    settings = {'in_channels': [2, 4], 'in_index': [0, 2]}
    chosen = plain_head(input_transform='multiple_select', **settings).embed(features())
    assert [maps.shape[1] for maps in chosen] == [2, 4]


def test_inputs__maps_joined_at_the_size_of_the_first():
    head = plain_head(in_channels=[2, 3], in_index=[0, 1], input_transform='resize_concat')
    assert head.in_channels == 5
    joined = head.embed(features())
    assert joined.shape == (1, 5, 8, 6)
    assert torch.equal(joined[:, :2], features()[0])


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'in_channels': [2, 3]}, 'expected single numbers'),
        ({'input_transform': 'multiple_select'}, 'expected lists'),
        (
            {'in_channels': [2, 3], 'in_index': [0], 'input_transform': 'resize_concat'},
            'as many in_channels as in_index',
        ),
        ({'input_transform': 'concat'}, "expected input_transform 'resize_concat' or"),
    ],
)
def test_inputs__mistake_is_named(settings, message):
    with pytest.raises(UserError, match=message):
        plain_head(**settings)


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'in_channels': 8}, 'in_channels is 8, the maps have 4 channels'),
        (
            {'in_channels': [2, 5], 'in_index': [0, 1], 'input_transform': 'multiple_select'},
            r'in_channels is \[2, 5\], the maps have 2, 3 channels',
        ),
        (
            {'in_channels': [2, 5], 'in_index': [0, 1], 'input_transform': 'resize_concat'},
            'in_channels is 7, the maps have 2, 3 channels',
        ),
    ],
)
def test_inputs__of_another_encoder_are_named(settings, message):
    with pytest.raises(UserError, match=f'PlainHead and the encoder do not go .*: {message}'):
        plain_head(**settings).embed(features())


def test_forward__is_classifier_after_embedding():
    head = plain_head()
    assert torch.equal(head(features()), head.cls_seg(head.embed(features())))
    assert torch.equal(head.forward_test(features(), [{}], {}), head(features()))
    assert head.embed_channels == head.channels == 4


def test_cls_seg__drops_whole_channels_in_training_only():
    head = plain_head(dropout_ratio=0.5)
    maps = torch.ones(1, 4, 3, 3)
    assert torch.equal(head.cls_seg(maps), head.conv_seg(maps))
    torch.manual_seed(0)
    assert not torch.equal(head.train().cls_seg(maps), head.conv_seg(maps))


@pytest.mark.parametrize('batch', [1, 3])
def test_losses__are_taken_at_the_size_of_the_labels(batch):
    head = plain_head()
    labels = torch.randint(0, 5, (batch, 1, 16, 12))
    losses = head.forward_train(features(batch), [{}] * batch, labels)
    logits = head.upsample(head(features(batch)), (16, 12))
    expected = torch.nn.functional.cross_entropy(logits, labels[:, 0])
    torch.testing.assert_close(losses['loss_seg'], expected)
    right = (logits.argmax(1) == labels[:, 0]).float().mean() * 100
    torch.testing.assert_close(losses['acc_seg'], right.view(1))


def test_losses__sampler_and_weight_both_count():
    head = plain_head(sampler={'type': 'OHEMPixelSampler', 'thresh': 0.2, 'min_kept': 2})
    logits, labels = head(features()), torch.randint(0, 5, (1, 1, 2, 2))
    weight = torch.tensor([[[0.0, 1.0], [2.0, 3.0]]])
    sampled = head.sampler.sample(logits, labels)
    assert 0 < sampled.sum() < 4
    losses = head.losses(logits, labels, weight)
    expected = head.loss_decode(logits, labels[:, 0], weight * sampled, ignore_index=255)
    torch.testing.assert_close(losses['loss_seg'], expected)


CROSS_ENTROPY = {'type': 'CrossEntropyLoss', 'loss_weight': 0.5}
DICE = {'type': 'DiceLoss', 'loss_weight': 3.0}


def test_losses__several_stand_under_their_names_and_add_up():
    labels = torch.randint(0, 5, (2, 1, 4, 4))
    several = plain_head(loss_decode=[CROSS_ENTROPY, DICE, {**DICE, 'loss_weight': 1.0}])
    logits = torch.randn(2, 5, 4, 4)
    losses = several.losses(logits, labels)
    assert list(losses) == ['loss_ce', 'loss_dice', 'acc_seg']
    for name, loss, factor in (('loss_ce', CROSS_ENTROPY, 1), ('loss_dice', DICE, 4 / 3)):
        alone = plain_head(loss_decode=loss).losses(logits, labels)['loss_seg']
        torch.testing.assert_close(losses[name], factor * alone)


def test_losses__names_can_be_chosen():
    head = plain_head(loss_decode=[{'type': 'LovaszLoss', 'loss_name': 'loss_iou'}])
    losses = head.losses(torch.randn(1, 5, 4, 4), torch.randint(0, 5, (1, 1, 4, 4)))
    assert list(losses) == ['loss_iou', 'acc_seg']


@pytest.mark.parametrize('loss_decode', [[], [CROSS_ENTROPY, {**DICE, 'loss_name': 'dice'}]])
def test_losses__what_would_not_count_is_refused(loss_decode):
    with pytest.raises(UserError, match=r"loss_decode: expected .* names with 'loss' in them"):
        plain_head(loss_decode=loss_decode)


def test_losses__hard_pixels_are_chosen_by_losses_that_know_pixels():
    logits, labels = torch.randn(1, 5, 4, 4), torch.randint(0, 5, (1, 1, 4, 4))
    sampler = {'type': 'OHEMPixelSampler', 'min_kept': 3}
    both = plain_head(loss_decode=[CROSS_ENTROPY, CROSS_ENTROPY], sampler=sampler)
    one = plain_head(loss_decode=CROSS_ENTROPY, sampler=sampler)
    chosen = [head.sampler.sample(logits, labels) for head in (both, one)]
    assert torch.equal(*chosen) and chosen[0].sum() == 3
    with pytest.raises(UserError, match='chooses by the losses of single pixels'):
        plain_head(loss_decode=[CROSS_ENTROPY, DICE], sampler=sampler).losses(logits, labels)
    plain_head(loss_decode=DICE, sampler={**sampler, 'thresh': 0.7}).losses(logits, labels)


def test_losses__ignore_index_is_the_heads():
    head = plain_head(ignore_index=0)
    assert head.losses(head(features()), torch.zeros(1, 1, 2, 2).long())['loss_seg'] == 0


def test_upsample__same_size_is_not_copied():
    maps = features()[0]
    assert plain_head().upsample(maps, (8, 6)) is maps


def test_init_weights__classifier_starts_near_zero():
    head = plain_head(in_channels=256, channels=256)
    head.init_weights()
    assert head.conv_seg.weight.std().item() == pytest.approx(0.01, rel=0.1)
    assert not head.conv_seg.bias.any()
