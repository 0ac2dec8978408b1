import numpy as np
import pytest

from mmseg.datasets.pipelines import RandomCrop
from mmseg.utils.errors import UserError

from .samples import moves_together, sample


def test_random_crop__moves_image_and_labels_together():
    results = RandomCrop((8, 11))(sample())
    assert results['img'].shape == results['img_shape'] == (8, 11, 3)
    assert moves_together(results)


def test_random_crop__reaches_every_place():
    corners = set()
    for i in range(200):
        results = sample(4, 5, seed=i)
        results['img'] = np.arange(20, dtype=np.uint8).reshape(4, 5, 1)
        corners.add(int(RandomCrop((3, 3))(results)['img'][0, 0, 0]))
    assert corners == {0, 1, 2, 5, 6, 7}


def test_random_crop__smaller_images_stay_whole():
    assert RandomCrop((50, 10))(sample())['img'].shape == (20, 10, 3)


def test_random_crop__no_class_takes_more_than_its_share():
    shares = {}
    for ratio in (1.0, 0.75):
        shares[ratio] = []
        for i in range(30):
            results = sample(seed=i)
            results['gt_semantic_seg'][:] = 3
            results['gt_semantic_seg'][:, 20:] = 1
            results['gt_semantic_seg'][:2] = 255
            label = RandomCrop((8, 8), cat_max_ratio=ratio)(results)['gt_semantic_seg']
            shares[ratio].append(np.bincount(label.ravel(), minlength=5)[:5].max() / 64)
    assert np.mean(np.array(shares[0.75]) > 0.75) < 0.15 < np.mean(np.array(shares[1.0]) > 0.75)


def test_random_crop__without_labels_takes_the_first_window():
    results = {'img': sample()['img'], 'rng': np.random.default_rng(0)}
    cropped = RandomCrop((8, 8), cat_max_ratio=0.5)(results)['img']
    expected = RandomCrop((8, 8))(sample())['img']
    np.testing.assert_array_equal(cropped, expected)


def test_random_crop__size_must_be_positive():
    with pytest.raises(UserError, match=r'got \(0, 5\)'):
        RandomCrop((0, 5))


def test_random_crop__draws_from_the_generator_handed_in_and_nowhere_else():
    for seed in range(4):
        np.random.seed(seed)
        one, other = (RandomCrop((8, 8), cat_max_ratio=0.5)(sample(seed=3)) for _ in range(2))
        np.testing.assert_array_equal(one['img'], other['img'])
