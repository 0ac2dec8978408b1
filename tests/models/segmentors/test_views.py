"""A network that is always right is found right, whatever padding, flips and windows there are."""

import itertools

import numpy as np
import pytest
import torch

from mmseg.datasets.pipelines import Compose
from mmseg.models import build_segmentor
from mmseg.models.segmentors import decision
from mmseg.ops import upsampled_classes
from mmseg.utils.errors import UserError
from tests.models import networks

HEIGHT, WIDTH = 45, 70
PAD = {'type': 'Pad', 'size_divisor': 32}
SLIDE = {'mode': 'slide', 'crop_size': (24, 32), 'stride': (16, 20)}
MODES = ({'mode': 'whole'}, SLIDE, {**SLIDE, 'batched_slide': True})


def picture(height=HEIGHT, width=WIDTH):
    """A picture whose class is its brightness, and that looks like no flip of itself."""
    image = np.zeros((height, width, 3), np.uint8)
    image[:, 2 * width // 3 :] = 255
    image[3 * height // 4 :] = 255
    return image


def truth(image):
    return (image[..., 0] > 127).astype(np.uint8)


@pytest.fixture(scope='module')
def network():
    """Two classes: dark and bright pixels of the network's input."""
    model = build_segmentor(networks.small_config(num_classes=2)).eval()
    model.encode_decode = lambda img, metas: torch.stack([-img[:, 0], img[:, 0]], 1)
    return model


def steps(*, pad=(), at='end', flip=False, directions='horizontal', scale=None, ratios=(1.0,)):
    """A test pipeline; `pad` are its padding steps, `at` tells where they stand."""
    inner = [
        {'type': 'Resize', 'keep_ratio': True},
        {'type': 'RandomFlip'},
        {'type': 'Normalize', 'mean': [127.5] * 3, 'std': [127.5] * 3},
        {'type': 'ImageToTensor', 'keys': ['img']},
        {'type': 'Collect', 'keys': ['img']},
    ]
    place = {'before the flip': 1, 'after the flip': 2, 'end': 3}.get(at, 0)
    inner[place:place] = pad if at != 'outside' else []
    outer = {
        'type': 'MultiScaleFlipAug',
        'img_scale': None if at == 'outside' else scale or (WIDTH, HEIGHT),
        'img_ratios': list(ratios),
        'flip': flip,
        'flip_direction': directions,
        'transforms': inner,
    }
    return [*(pad if at == 'outside' else []), outer]


def facts(image):
    shape = image.shape
    return {'img': image, 'img_shape': shape, 'ori_shape': shape, 'pad_shape': shape}


def segment(network, image, pipeline, batch=1):
    sample = Compose(pipeline)(facts(image))
    imgs = [img[None].repeat(batch, 1, 1, 1) for img in sample['img']]
    metas = [[meta.data] * batch for meta in sample['img_metas']]
    with torch.no_grad():
        return network(imgs, metas, return_loss=False)


@pytest.mark.parametrize('batch', [1, 3])
@pytest.mark.parametrize('at', ['before the flip', 'after the flip', 'end', 'outside'])
@pytest.mark.parametrize(
    'pad',
    [
        [],
        [PAD],
        [{'type': 'Pad', 'size': (64, 99)}],
        [{'type': 'Pad', 'size': (50, 60), 'pad_val': 300}],
        [{'type': 'Pad', 'size_divisor': 50}, PAD],
    ],
    ids=['none', 'divisor', 'size', 'one side, bright', 'twice'],
)
@pytest.mark.parametrize('mode', MODES, ids=['whole', 'slide', 'batched'])
def test_views__a_perfect_network_is_right_everywhere(network, mode, pad, at, batch):
    network.test_cfg = mode
    image = picture()
    for directions in ('horizontal', 'vertical', ['horizontal', 'vertical']):
        for flip in (False, True):
            pipeline = steps(pad=pad, at=at, flip=flip, directions=directions)
            results = segment(network, image, pipeline, batch)
            assert len(results) == batch
            for result in results:
                np.testing.assert_array_equal(result, truth(image))


@pytest.mark.parametrize('direction', ['horizontal', 'vertical'])
@pytest.mark.parametrize('at', ['before the flip', 'end'])
@pytest.mark.parametrize('mode', MODES, ids=['whole', 'slide', 'batched'])
def test_views__scores_of_a_flipped_view_alone_lie_where_they_belong(network, mode, at, direction):
    network.test_cfg = mode
    image = picture()
    pipeline = steps(pad=[PAD], at=at, flip=True, directions=direction)
    sample = Compose(pipeline)(facts(image))
    img, metas = sample['img'][1][None], [sample['img_metas'][1].data]
    probs = network.inference(img, metas, True)
    np.testing.assert_array_equal(probs[0].argmax(0), truth(image))
    np.testing.assert_array_equal(network.predict_labels([img], [metas])[0], truth(image))
    padded = network.predict_labels([img], [metas], rescale=False)
    assert padded.shape == img[0, :1].shape


@pytest.mark.parametrize('mode', MODES, ids=['whole', 'slide', 'batched'])
@pytest.mark.parametrize('pad', [[], [PAD]], ids=['plain', 'padded'])
def test_views__other_scales_are_right_but_for_a_pixel_beside_borders(network, mode, pad):
    network.test_cfg = mode
    image = picture(48, 72)
    for scale, ratios in [((72, 48), (2.0,)), ((36, 24), (1.0,)), ((72, 48), (0.5, 1.0, 1.5))]:
        pipeline = steps(pad=pad, flip=True, scale=scale, ratios=ratios)
        (result,) = segment(network, image, pipeline)
        wrong = result != truth(image)
        assert not wrong[:, :46].any(where=np.arange(48)[:, None] < 34)
        assert not wrong[38:].any() and not wrong[:, 50:].any()
        assert wrong.mean() < 0.02


@pytest.mark.parametrize('values', [1, 500, 1 << 22])
@pytest.mark.parametrize('mode', MODES, ids=['whole', 'slide', 'batched'])
def test_views__strips_of_any_height_give_the_same(network, mode, values, monkeypatch):
    module = upsampled_classes.__globals__
    image = picture(60, 80)
    for flip, directions in itertools.product([False, True], ['horizontal', 'vertical']):
        pipeline = steps(pad=[PAD], flip=flip, directions=directions, scale=(100, 75))
        network.test_cfg = mode
        monkeypatch.setitem(module, '_STRIP_VALUES', 1 << 22)
        expected = segment(network, image, pipeline)[0]
        monkeypatch.setitem(module, '_STRIP_VALUES', values)
        np.testing.assert_array_equal(segment(network, image, pipeline)[0], expected)


def test_decide__views_one_by_one_give_what_all_at_once_give(monkeypatch):
    torch.manual_seed(0)
    model = build_segmentor(networks.small_config(num_classes=3)).eval()
    image = np.random.default_rng(0).integers(0, 256, (48, 72, 3)).astype(np.uint8)
    pipeline = steps(pad=[PAD], flip=True, ratios=(1.0, 2.0))
    sample = Compose(pipeline)(facts(image))
    imgs = [img[None] for img in sample['img']]
    metas = [[meta.data] for meta in sample['img_metas']]
    one_by_one = model.decide(imgs, metas, with_confidence=True)
    real = decision.decide

    def at_once(*args, **settings):
        assert settings.pop('is_one_by_one')
        return real(*args, **settings)

    monkeypatch.setattr('mmseg.models.segmentors.views.decide', at_once)
    together = model.decide(imgs, metas, with_confidence=True)
    torch.testing.assert_close(one_by_one.confidence, together.confidence)
    assert torch.equal(one_by_one.labels, together.labels)


def test_slide__windows_that_see_padding_alone_are_left_out(network):
    network.test_cfg = SLIDE
    seen = []
    encode = network.encode_decode
    network.encode_decode = lambda img, metas: seen.append(img.shape[2:]) or encode(img, metas)
    pad = [{'type': 'Pad', 'size': (200, 200)}]
    (result,) = segment(network, picture(), steps(pad=pad))
    network.encode_decode = encode
    np.testing.assert_array_equal(result, truth(picture()))
    # rows from 0, 16, 32 and columns from 0, 20, 40, 60 hold something of 45 by 70 pixels
    assert len(seen) == 12


@pytest.mark.parametrize('stride', [(24, 32), (1, 31), (23, 5)])
def test_slide__every_pixel_is_seen_by_a_window(network, stride):
    network.test_cfg = {**SLIDE, 'stride': stride}
    network.encode_decode, encode = (
        (
            lambda img, metas: torch.stack(
                [torch.zeros_like(img[:, 0]), torch.ones_like(img[:, 0])], 1
            )
        ),
        network.encode_decode,
    )
    (result,) = segment(network, picture(), steps())
    network.encode_decode = encode
    assert (result == 1).all()


@pytest.mark.parametrize(
    ('settings', 'told'),
    [
        ({'crop_size': (64, 64), 'stride': (96, 96)}, 'stride .96, 96. is larger than crop_size'),
        ({'crop_size': (64, 64), 'stride': (32, 65)}, r'two thirds of crop_size are usual'),
        ({'crop_size': 64, 'stride': 65}, r'stride .65, 65. is larger than crop_size .64, 64.'),
        ({'crop_size': (64, 64), 'stride': (0, 0)}, r'test_cfg.stride is .0, 0.; expected height'),
        ({'crop_size': (64, -1), 'stride': 8}, r'test_cfg.crop_size is .64, -1.; expected height'),
        ({'crop_size': (64, 64, 64), 'stride': 8}, 'whole numbers above 0 such as'),
        ({'crop_size': (64.0, 64.0), 'stride': 8}, 'test_cfg.crop_size is .64.0, 64.0.'),
        ({'crop_size': '64', 'stride': 8}, "test_cfg.crop_size is '64'"),
        ({'crop_size': (64, 64)}, "the mode 'slide' needs crop_size and stride"),
        ({'stride': (64, 64)}, "the mode 'slide' needs crop_size and stride"),
        ({'crop_size': None, 'stride': None}, "the mode 'slide' needs crop_size and stride"),
        ({'mode': 'whole', 'crop_size': (64, 64), 'stride': (96, 96)}, 'larger than crop_size'),
        ({'crop_size': 64, 'stride': 32, 'batched_slide': 2}, 'batched_slide is 2; expected True'),
        ({'mode': 'sliding', 'crop_size': 64, 'stride': 8}, "mode is 'sliding'; expected 'whole'"),
        ({'mode': 'slide', 'crop': 64, 'stride': 8}, "no setting 'crop'; did you mean 'crop_size'"),
    ],
)
def test_test_cfg__windows_that_leave_pixels_out_are_refused(network, settings, told):
    settings = {'mode': 'slide', **settings}
    with pytest.raises(UserError, match=told):
        build_segmentor({**networks.small_config(num_classes=2), 'test_cfg': settings})
    network.test_cfg = SLIDE
    with pytest.raises(UserError, match=told):
        network.test_cfg = settings
    assert network.test_cfg == SLIDE
    network.test_cfg.clear()  # past the check
    network.test_cfg.update(settings)
    with pytest.raises(UserError, match=told):
        segment(network, picture(), steps())
    network.test_cfg = SLIDE


def test_test_cfg__one_number_is_both_sides(network):
    network.test_cfg = {'mode': 'slide', 'crop_size': 32, 'stride': 20}
    assert network.test_cfg == {'mode': 'slide', 'crop_size': (32, 32), 'stride': (20, 20)}
    (result,) = segment(network, picture(), steps())
    np.testing.assert_array_equal(result, truth(picture()))
