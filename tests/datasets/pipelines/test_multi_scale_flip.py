import numpy as np
import pytest

from mmseg.datasets.pipelines import MultiScaleFlipAug
from mmseg.utils.errors import UserError

from ..layouts import photograph

STEPS = [{'type': 'Resize', 'keep_ratio': True}, {'type': 'RandomFlip'}]


def views(**kwargs):
    return MultiScaleFlipAug(STEPS, **kwargs)({'img': photograph(0, 20, 30)})


def shapes(results):
    return [image.shape[:2] for image in results['img']]


@pytest.mark.parametrize('img_scale', [[15, 10], [[15, 10]]])
def test_multi_scale_flip_aug__one_scale_gives_one_view(img_scale):
    results = views(img_scale=img_scale)
    assert shapes(results) == [(10, 15)] and results['flip'] == [False]


def test_multi_scale_flip_aug__every_scale_comes_plain_and_flipped():
    results = views(img_scale=[(15, 10), (60, 40)], flip=True)
    assert shapes(results) == [(10, 15), (10, 15), (40, 60), (40, 60)]
    assert results['flip'] == [False, True, False, True]
    np.testing.assert_array_equal(results['img'][1], results['img'][0][:, ::-1])


@pytest.mark.parametrize('img_scale', [None, (30, 20)])
def test_multi_scale_flip_aug__ratios(img_scale):
    assert shapes(views(img_scale=img_scale, img_ratios=[0.5, 1.5])) == [(10, 15), (30, 45)]
    assert shapes(views(img_scale=img_scale, img_ratios=2.0)) == [(40, 60)]


def test_multi_scale_flip_aug__both_directions():
    results = views(img_scale=(30, 20), flip=True, flip_direction=['horizontal', 'vertical'])
    assert results['flip_direction'] == ['horizontal', 'horizontal', 'vertical']
    np.testing.assert_array_equal(results['img'][2], results['img'][0][::-1])


def test_multi_scale_flip_aug__impossible_settings():
    with pytest.raises(UserError, match='needs an img_scale'):
        views(img_scale=None)
    with pytest.raises(UserError, match='at most one'):
        views(img_scale=[(3, 2), (6, 4)], img_ratios=[1.0])
