import numpy as np
import pytest
import torch
from mmcv.utils import Config

from mmseg.apis import Segmentation, Segmenter, inference_segmentor, init_segmentor, load_config
from mmseg.utils.errors import UserError
from tests.apis.tiny import CLASSES, CROP, PALETTE, write_config


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    return load_config(write_config(tmp_path_factory.mktemp('tiny')))


@pytest.fixture
def model(config):
    torch.manual_seed(0)
    network = init_segmentor(config, device='cpu')
    network.init_weights()
    network.CLASSES, network.PALETTE = CLASSES, PALETTE
    return network


def image(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def test_segmenter__labels_are_those_of_the_test(model):
    images = [image(40, 56), image(40, 56, 1), image(31, 97), image(40, 56, 2)]
    results = Segmenter(model)(images)
    for result, labels in zip(results, inference_segmentor(model, images), strict=True):
        np.testing.assert_array_equal(result.labels, labels)
        assert result.labels.dtype == np.uint8
        assert result.confidence.shape == labels.shape
        assert (result.confidence >= 1 / len(CLASSES)).all() and (result.confidence <= 1).all()


def test_segmenter__images_of_one_size_share_a_batch(model, monkeypatch):
    sizes = []
    whole = model.whole_inference
    monkeypatch.setattr(
        model, 'whole_inference', lambda img, *rest: sizes.append(len(img)) or whole(img, *rest)
    )
    Segmenter(model)([image(40, 56), image(40, 56, 1), image(31, 97), image(40, 56, 2)])
    assert sizes == [2, 1, 1]


def test_segmenter__views_are_averaged_as_in_the_test(config):
    flipping = Config.fromfile(config.filename)
    flipping.data.test.pipeline[1].update(flip=True, img_ratios=[0.75, 1.0])
    network = init_segmentor(flipping, device='cpu')
    (result,) = Segmenter(network)([image(40, 56)])
    (labels,) = inference_segmentor(network, image(40, 56))
    np.testing.assert_array_equal(result.labels, labels)


@pytest.mark.parametrize('flip_direction', ['horizontal', 'vertical'])
def test_segmenter__padding_is_cut_off_and_makes_no_image_large(config, flip_direction):
    padded = Config.fromfile(config.filename)
    padded.data.test.pipeline[1].update(flip=True, flip_direction=flip_direction)
    padded.data.test.pipeline[1].transforms.insert(1, {'type': 'Pad', 'size': (64, 96)})
    network = init_segmentor(padded, device='cpu')
    sizes = []

    def encode(img, metas):
        sizes.append(tuple(img.shape[2:]))
        return torch.stack([-img[:, 0], img[:, 0], *[img[:, 0] * 0 - 9] * 3], 1)

    network.encode_decode = encode
    picture = np.zeros((40, 56, 3), np.uint8)
    picture[25:, 10:] = 255
    segmenter = Segmenter(network)
    for result in segmenter([picture, picture]):
        np.testing.assert_array_equal(result.labels, picture[..., 0] > 127)
    (labels,) = inference_segmentor(network, picture)
    np.testing.assert_array_equal(labels, picture[..., 0] > 127)
    assert set(sizes) == {(64, 96)}


def test_segmenter__what_is_larger_than_in_the_test_goes_in_overlapping_windows(model, monkeypatch):
    seen = []
    encode = model.encode_decode
    monkeypatch.setattr(
        model, 'encode_decode', lambda img, metas: seen.append(img.shape[2:]) or encode(img, metas)
    )
    (result,) = Segmenter(model, scale=1.0)([image(64, 96)])
    assert result.labels.shape == (64, 96)
    assert set(seen) == {tuple(CROP)}
    # rows from 0, 21, 32 and columns from 0, 32, 48: neighbours share a third or more
    assert len(seen) == 9
    seen.clear()
    Segmenter(model, scale=0.5)([image(64, 96)])
    assert seen == [(32, 48)]


def test_segmenter__windows_leave_the_models_own_test_as_it_was(model):
    (before,) = inference_segmentor(model, image(64, 96))
    Segmenter(model, scale=1.0)
    (after,) = inference_segmentor(model, image(64, 96))
    np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize('scale', [0, -1, float('nan')])
def test_segmenter__a_scale_that_is_none(model, scale):
    with pytest.raises(UserError, match='expected a positive number'):
        Segmenter(model, scale)


def test_segmentation__shares_and_confidence_of_classes():
    labels = np.array([[0, 0, 0, 2]], np.uint8)
    seen = Segmentation(labels, np.array([[0.5, 0.75, 1.0, 0.25]], np.float32))
    np.testing.assert_allclose(seen.shares(3), [0.75, 0, 0.25])
    np.testing.assert_allclose(seen.class_confidence(3), [0.75, 0, 0.25])
