"""The assembly against the golden file, and its inference modes."""

import copy

import numpy as np
import pytest
import torch
from mmcv import ConfigDict

from mmseg.core.windows import window_slices
from mmseg.models import HEADS, build_segmentor
from mmseg.models.decode_heads import BaseDecodeHead
from mmseg.utils.errors import UserError
from tests.golden import load
from tests.golden.fill import fill_deterministic, input_for
from tests.models.networks import published_config, small_config

META = {'ori_shape': (96, 192, 3), 'img_shape': (64, 128, 3), 'flip': False}
SLIDE = {'mode': 'slide', 'crop_size': (48, 64), 'stride': (32, 48)}


@pytest.fixture(scope='module')
def golden():
    return {key: torch.from_numpy(value) for key, value in load('segmentor').items()}


@pytest.fixture(scope='module')
def published():
    """The published decoder on MiT-B0, with the golden weights."""
    cfg = published_config('sepaspp')
    cfg.backbone.type = 'mit_b0'
    cfg.decode_head.in_channels = [32, 64, 160, 256]
    return fill_deterministic(build_segmentor(cfg)).eval().requires_grad_(False)


@pytest.fixture
def image():
    return torch.from_numpy(input_for('segmentor', (1, 3, 64, 128)))


@pytest.fixture(scope='module')
def small():
    torch.manual_seed(0)
    return build_segmentor(small_config()).eval().requires_grad_(False)


class LastStageHead(BaseDecodeHead):
    def embed(self, inputs):
        return self._transform_inputs(inputs)


@pytest.fixture
def auxiliary():
    HEADS.register_module(name='LastStageHead', module=LastStageHead)
    yield {'type': 'LastStageHead', 'in_channels': 256, 'channels': 256, 'num_classes': 5}
    HEADS.module_dict.pop('LastStageHead')


def test_encode_decode__equals_golden(published, image, golden):
    logits = published.encode_decode(image, [META])
    torch.testing.assert_close(logits, golden['encode_decode'], atol=2e-4, rtol=1e-3)


@pytest.mark.parametrize('mode', ['whole', 'slide'])
def test_inference__equals_golden(published, image, golden, mode):
    network = copy.copy(published)
    network.test_cfg = ConfigDict({**SLIDE, 'mode': mode})
    probs = network.inference(image, [META], rescale=True)
    torch.testing.assert_close(probs, golden[mode].float(), atol=1e-3, rtol=1e-3)


def test_forward_train__equals_golden(published, image, golden):
    labels = golden['label'].long()
    plain = published.forward_train(image, [META], labels)
    assert set(plain) == {'decode.loss_seg', 'decode.acc_seg'}
    torch.testing.assert_close(plain['decode.loss_seg'], golden['loss_seg'], atol=2e-4, rtol=1e-3)
    torch.testing.assert_close(plain['decode.acc_seg'], golden['acc_seg'])
    weighted = published.forward_train(image, [META], labels, golden['weight'])
    torch.testing.assert_close(
        weighted['decode.loss_seg'], golden['loss_seg_weighted'], atol=2e-4, rtol=1e-3
    )


def test_forward_embedding__is_one_pass_with_all_in_it(small):
    image = torch.randn(3, 3, 64, 96)
    logits, embedding, features, _, detail = small.forward_embedding(image)
    assert detail is None
    assert torch.equal(logits, small.encode_decode(image, []))
    assert torch.equal(embedding, small.decode_head.embed(features))
    for ours, direct in zip(features, small.extract_feat(image), strict=True):
        assert torch.equal(ours, direct)


def slow_slide(network, image, crop, stride):
    """Average the logits of all windows, pixel counts and all."""
    height, width = image.shape[2:]
    total, counts = 0, torch.zeros(height, width)
    for y in range(max(height - crop[0] + stride[0] - 1, 0) // stride[0] + 1):
        for x in range(max(width - crop[1] + stride[1] - 1, 0) // stride[1] + 1):
            bottom = min(y * stride[0] + crop[0], height)
            right = min(x * stride[1] + crop[1], width)
            top, left = max(bottom - crop[0], 0), max(right - crop[1], 0)
            logits = network.encode_decode(image[:, :, top:bottom, left:right], [])
            padding = (left, width - right, top, height - bottom)
            total = total + torch.nn.functional.pad(logits, padding)
            counts[top:bottom, left:right] += 1
    return total / counts


@pytest.mark.parametrize('size', [(64, 96), (70, 130), (40, 200), (30, 30)])
@pytest.mark.parametrize('batch', [1, 3])
def test_slide__equals_slow_average(small, size, batch):
    network = copy.copy(small)
    network.test_cfg = ConfigDict(SLIDE)
    image = torch.randn(batch, 3, *size)
    expected = slow_slide(network, image, SLIDE['crop_size'], SLIDE['stride'])
    logits = network.slide_inference(image, [META] * batch, rescale=False)
    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize('size', [(30, 50), (48, 64), (49, 65), (70, 131), (96, 128)])
@pytest.mark.parametrize('batch', [1, 3])
def test_slide__windows_of_a_row_may_be_one_batch(small, size, batch):
    network = copy.deepcopy(small).double()
    image = torch.randn(batch, 3, *size, dtype=torch.float64)
    logits, sizes = [], []
    encode = network.encode_decode
    network.encode_decode = lambda img, metas: (
        sizes.append((len(img), len(metas))) or encode(img, metas)
    )
    for is_batched in (False, True):
        network.test_cfg = {**SLIDE, 'batched_slide': is_batched}
        logits.append(network.slide_inference(image, [META] * batch, rescale=False))
    torch.testing.assert_close(*logits, atol=1e-12, rtol=1e-12)
    rows, columns = window_slices(size, SLIDE['crop_size'], SLIDE['stride'])
    unbatched = [(batch, batch)] * (len(rows) * len(columns))
    assert sizes == unbatched + [(batch * len(columns),) * 2] * len(rows)


@pytest.mark.parametrize('mode', ['whole', 'slide'])
@pytest.mark.parametrize('size', [(32, 48), (33, 47), (45, 70), (5, 9)])
def test_inference__sizes_that_the_network_does_not_take_are_padded_and_cut(mode, size):
    network = build_segmentor(small_config(num_classes=2)).eval()
    network.size_divisor = 8
    network.test_cfg = {'mode': mode, 'crop_size': (30, 37), 'stride': (20, 30)}
    seen = []

    def encode(img, metas):
        seen.append(img.shape[2:])
        return torch.stack([-img[:, 0], img[:, 0]], 1)

    network.encode_decode = encode
    image = torch.randn(2, 3, *size)
    probs = network.inference(image, [META] * 2, rescale=False)
    expected = torch.stack([-image[:, 0], image[:, 0]], 1).softmax(1)
    torch.testing.assert_close(probs, expected)
    assert all(side % 8 == 0 for shape in seen for side in shape)


def test_inference__an_encoder_of_one_size_gets_smaller_images_padded_to_it(small):
    network = copy.deepcopy(small)
    network.backbone.fixed_size = (48, 64)
    network.test_cfg = SLIDE
    seen = set()
    encode = small.encode_decode
    network.encode_decode = lambda img, metas: seen.add(tuple(img.shape[2:])) or encode(img, metas)
    for size in ((30, 50), (48, 64), (30, 100), (60, 130)):
        logits = network.slide_inference(torch.randn(1, 3, *size), [META], rescale=False)
        assert logits.shape[2:] == size
    assert seen == {(48, 64)}


@pytest.mark.parametrize(('direction', 'axis'), [('horizontal', 3), ('vertical', 2)])
def test_inference__flipped_image_is_flipped_back(small, direction, axis):
    image = torch.randn(1, 3, 64, 96)
    meta = {**META, 'flip': True, 'flip_direction': direction}
    probs = small.inference(image, [meta], rescale=False)
    torch.testing.assert_close(probs, small.encode_decode(image, []).softmax(1).flip(axis))
    torch.testing.assert_close(probs.sum(1), torch.ones(1, 64, 96))


@pytest.mark.parametrize('batch', [1, 3])
def test_simple_test__label_maps_have_the_original_size(small, batch):
    results = small(
        [torch.randn(batch, 3, 64, 96)], [[META] * batch], return_loss=False, rescale=True
    )
    assert [result.shape for result in results] == [(96, 192)] * batch
    assert results[0].dtype == np.int64


def test_aug_test__averages_probabilities_of_the_views(small):
    image = torch.randn(1, 3, 64, 128)
    larger = torch.nn.functional.interpolate(image, size=(96, 192))
    flipped = {**META, 'flip': True, 'flip_direction': 'horizontal'}
    views, metas = [image, larger.flip(3)], [[META], [flipped]]
    mean = sum(small.inference(v, m, True) for v, m in zip(views, metas, strict=True)) / 2
    (result,) = small.forward_test(views, metas)
    np.testing.assert_array_equal(result, mean.argmax(1)[0])
    with pytest.raises(UserError, match='rescale=True'):
        small.aug_test(views, metas, rescale=False)


def test_forward_test__mismatched_input_is_named(small):
    image = torch.randn(2, 3, 32, 32)
    with pytest.raises(UserError, match='imgs: expected a list of views, got Tensor'):
        small.forward_test(image, [[META]])
    with pytest.raises(UserError, match='1 views but facts about 2'):
        small.forward_test([image], [[META], [META]])
    other = {**META, 'ori_shape': (10, 10, 3)}
    with pytest.raises(UserError, match='differ in ori_shape'):
        small.forward_test([image], [[META, other]])


def test_train_step__returns_loss_numbers_and_count():
    network = build_segmentor(small_config())
    batch = {
        'img': torch.randn(3, 3, 64, 96),
        'img_metas': [META] * 3,
        'gt_semantic_seg': torch.randint(0, 5, (3, 1, 64, 96)),
    }
    result = network.train_step(batch, None)
    assert result['num_samples'] == 3
    assert result['loss'].requires_grad
    assert result['log_vars']['loss'] == pytest.approx(result['loss'].item())
    assert result['log_vars']['loss'] == result['log_vars']['decode.loss_seg']
    assert set(result['log_vars']) == {'decode.loss_seg', 'decode.acc_seg', 'loss'}
    assert not network.val_step(batch)['loss'].requires_grad


def test_parse_losses__only_losses_are_summed(small):
    losses = {
        'a.loss': torch.tensor([1.0, 3.0]),
        'b.loss': [torch.tensor(4.0), torch.tensor([5.0, 7.0])],
        'accuracy': torch.tensor([50.0]),
    }
    total, numbers = small._parse_losses(losses)
    assert total == 12
    assert numbers == {'a.loss': 2, 'b.loss': 10, 'accuracy': 50, 'loss': 12}


@pytest.mark.parametrize('several', [False, True])
def test_auxiliary_heads__add_their_losses(auxiliary, several):
    cfg = small_config()
    cfg.auxiliary_head = [auxiliary, auxiliary] if several else auxiliary
    network = build_segmentor(cfg)
    network.init_weights()
    labels = torch.randint(0, 5, (1, 1, 64, 96))
    losses = network.forward_train(torch.randn(1, 3, 64, 96), [META], labels)
    names = ['aux_0', 'aux_1'] if several else ['aux']
    assert {name.split('.')[0] for name in losses} == {'decode', *names}
    assert network.with_auxiliary_head and not network.with_neck


def test_init_weights__loads_the_backbone_only(tmp_path):
    cfg = small_config()
    source = build_segmentor(cfg)
    torch.save(source.backbone.state_dict(), tmp_path / 'mit_b0.pth')
    cfg.pretrained = str(tmp_path / 'mit_b0.pth')
    network = build_segmentor(cfg)
    network.init_weights()
    for name, value in network.backbone.state_dict().items():
        assert torch.equal(value, source.backbone.state_dict()[name])
    assert not network.decode_head.conv_seg.bias.any()


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'test_cfg': {'mode': 'tiles'}}, "test_cfg.mode is 'tiles'; expected 'whole' or 'slide'"),
        ({'test_cfg': {'mode': 'whole', 'strid': 8}}, "no setting 'strid'; did you mean 'stride'"),
        ({'test_cfg': {'mode': 'slide'}}, 'needs crop_size and stride'),
        (
            {'pretrained': 'a.pth', 'backbone': {'type': 'mit_b0', 'pretrained': 'b.pth'}},
            'both the segmentor and its backbone',
        ),
    ],
)
def test_settings__mistake_is_named(changes, message):
    with pytest.raises(UserError, match=message):
        build_segmentor({**small_config(), **changes})


def test_show_result__blends_the_colours_in_bgr(small, tmp_path):
    image = np.full((2, 3, 3), 100, np.uint8)
    labels = np.array([[0, 1, 255], [0, 0, 1]])
    out = tmp_path / 'drawing.png'
    drawing = small.show_result(
        image, [labels], palette=[[200, 0, 0], [0, 0, 50]], opacity=0.5, out_file=str(out)
    )
    assert drawing[0, 0].tolist() == [50, 50, 150]
    assert drawing[0, 1].tolist() == [75, 50, 50]
    assert drawing[0, 2].tolist() == [100, 100, 100]
    assert out.exists()
    assert small.show_result(image, [labels]).shape == image.shape
    with pytest.raises(UserError, match='opacity is 0'):
        small.show_result(image, [labels], opacity=0)
