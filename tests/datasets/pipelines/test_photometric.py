import mmcv
import numpy as np
import pytest

from mmseg.datasets.pipelines import (
    CLAHE,
    AdjustGamma,
    Normalize,
    PhotoMetricDistortion,
    Rerange,
    RGB2Gray,
)
from mmseg.utils.errors import UserError

from ..layouts import photograph

MEAN, STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]


@pytest.mark.parametrize('to_rgb', [True, False])
def test_normalize__follows_the_formula(to_rgb):
    image = photograph(0, 5, 8)
    results = Normalize(MEAN, STD, to_rgb)({'img': image})
    channels = image[..., ::-1] if to_rgb else image
    np.testing.assert_allclose(results['img'], (channels - MEAN) / STD, atol=1e-5)
    assert results['img'].dtype == np.float32 and results['img_norm_cfg']['to_rgb'] == to_rgb
    np.testing.assert_array_equal(image, photograph(0, 5, 8))


def test_normalize__can_be_undone_by_its_settings():
    results = Normalize(MEAN, STD)({'img': photograph(0, 5, 8)})
    inverse = {key: results['img_norm_cfg'][key] for key in ('mean', 'std')}
    image = mmcv.imdenormalize(results['img'], **inverse, to_bgr=True)
    np.testing.assert_allclose(image, photograph(0, 5, 8), atol=1e-3)


def test_rerange__stretches_to_the_range():
    image = Rerange(10, 20)({'img': photograph(0, 5, 8)})['img']
    assert image.min() == 10 and image.max() == 20
    with pytest.raises(UserError, match='one value'):
        Rerange()({'img': np.zeros((2, 2, 3))})
    with pytest.raises(UserError, match='below'):
        Rerange(5, 5)


def test_clahe__spreads_the_values_of_each_channel():
    image = photograph(0, 40, 48) // 8 + 100
    spread = CLAHE()({'img': image})['img']
    assert spread.shape == image.shape and spread.dtype == np.uint8
    assert (spread.std((0, 1)) > 1.5 * image.std((0, 1))).all()


@pytest.mark.parametrize(('out_channels', 'num'), [(None, 3), (1, 1)])
def test_rgb2gray__weighs_the_channels(out_channels, num):
    image = photograph(0, 5, 8)
    results = RGB2Gray(out_channels, weights=(0.5, 0.25, 0.25))({'img': image})
    gray = image[..., 0] * 0.5 + image[..., 1] * 0.25 + image[..., 2] * 0.25
    np.testing.assert_allclose(results['img'], np.repeat(gray[..., None], num, 2))
    assert results['img_shape'] == (5, 8, num)


def test_adjust_gamma__two_is_a_square_root():
    image = photograph(0, 5, 8)
    np.testing.assert_array_equal(AdjustGamma(1.0)({'img': image})['img'], image)
    bright = AdjustGamma(2.0)({'img': image})['img']
    np.testing.assert_allclose(bright, np.sqrt(image / 255) * 255, atol=1)
    with pytest.raises(UserError, match='above 0'):
        AdjustGamma(0)


def test_photometric_distortion__is_a_function_of_the_generator():
    def distort(seed):
        return PhotoMetricDistortion()(
            {'img': photograph(0, 9, 7), 'rng': np.random.default_rng(seed)}
        )['img']

    images = [distort(seed) for seed in range(12)]
    np.testing.assert_array_equal(images[3], distort(3))
    assert len({image.tobytes() for image in images}) > 6
    assert all(image.dtype == np.uint8 and image.shape == (9, 7, 3) for image in images)


def test_photometric_distortion__brightness_stays_within_its_delta():
    distort = PhotoMetricDistortion(20, contrast_range=(1, 1), saturation_range=(1, 1), hue_delta=0)
    gray = np.full((4, 5, 3), 100, np.uint8)
    values = [
        int(distort({'img': gray, 'rng': np.random.default_rng(i)})['img'][0, 0, 0])
        for i in range(60)
    ]
    assert min(values) >= 80 and max(values) <= 120 and len(set(values)) > 10
    assert 10 < values.count(100) < 50
