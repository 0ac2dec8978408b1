import numpy as np
import pytest

from mmseg.datasets.pipelines import (
    Pad,
    RandomFlip,
    RandomRotate,
    Resize,
    SegRescale,
)
from mmseg.utils.errors import UserError

from .samples import moves_together, sample


@pytest.mark.parametrize(
    ('size', 'scale', 'expected'),
    [
        ((1052, 1914), (1280, 720), (704, 1280)),  # GTA in the published configs
        ((760, 1280), (1280, 760), (760, 1280)),  # Synthia
        ((1024, 2048), (1024, 512), (512, 1024)),  # Cityscapes
        ((30, 20), (40, 25), (38, 25)),  # the longer side of the scale bounds the longer side
    ],
)
def test_resize__keeps_the_ratio_within_the_scale(size, scale, expected):
    results = Resize(list(scale))({'img': np.zeros((*size, 3), np.uint8)})
    assert results['img'].shape[:2] == expected == results['img_shape'][:2]
    factors = [expected[1] / size[1], expected[0] / size[0]] * 2
    np.testing.assert_allclose(results['scale_factor'], factors, rtol=1e-6)


def test_resize__without_ratio_takes_the_scale_as_width_and_height():
    results = Resize((13, 7), keep_ratio=False)(sample())
    assert results['img'].shape[:2] == results['gt_semantic_seg'].shape == (7, 13)


def test_resize__labels_are_never_blended():
    results = Resize((45, 30))(sample())
    assert set(np.unique(results['gt_semantic_seg'])) <= set(range(5))


def test_resize__scale_from_outside_wins():
    assert Resize((60, 40))(sample(scale=(15, 10)))['img'].shape == (10, 15, 3)


def test_resize__multiscale_value_draws_each_of_the_scales():
    resize = Resize([(30, 20), (60, 40)], multiscale_mode='value')
    heights = {resize(sample(seed=i))['img'].shape[0] for i in range(20)}
    assert heights == {20, 40}


def test_resize__multiscale_range_draws_between_the_scales():
    resize = Resize([(30, 20), (60, 40)], keep_ratio=False)
    shapes = np.array([resize(sample(seed=i))['img'].shape[:2] for i in range(40)])
    assert shapes.min(0).tolist() >= [20, 30] and shapes.max(0).tolist() <= [40, 60]
    assert len(np.unique(shapes[:, 0])) > 5


@pytest.mark.parametrize('img_scale', [None, (30, 20), [(30, 20)]])
def test_resize__ratio_range_is_uniform(img_scale):
    resize = Resize(img_scale, ratio_range=(0.5, 2))
    widths = [resize(sample(seed=i))['img'].shape[1] for i in range(200)]
    assert min(widths) >= 15 and max(widths) <= 60
    assert abs(np.mean(widths) - 37.5) < 3


def test_resize__impossible_settings():
    with pytest.raises(UserError, match="got 'both'"):
        Resize((3, 2), multiscale_mode='both')
    with pytest.raises(UserError, match='at most one img_scale'):
        Resize([(3, 2), (6, 4)], ratio_range=(1, 2))
    with pytest.raises(UserError, match='needs an img_scale'):
        Resize()(sample())


@pytest.mark.parametrize(('direction', 'axis'), [('horizontal', 1), ('vertical', 0)])
def test_random_flip__mirrors_image_and_labels(direction, axis):
    results = RandomFlip(prob=1.0, direction=direction)(sample())
    np.testing.assert_array_equal(results['img'], np.flip(sample()['img'], axis))
    assert moves_together(results) and results['flip'] is True
    assert results['flip_direction'] == direction


def test_random_flip__happens_as_often_as_it_should():
    flips = [RandomFlip(prob=0.25)(sample(seed=i))['flip'] for i in range(400)]
    assert 60 < sum(flips) < 140


@pytest.mark.parametrize('flip', [True, False])
def test_random_flip__flag_from_outside_wins(flip):
    results = RandomFlip()(sample(flip=flip))
    assert (results['img'] != sample()['img']).any() == flip


def test_random_flip__without_probability_never_flips():
    assert RandomFlip()(sample())['flip'] is False


def test_random_flip__impossible_settings():
    with pytest.raises(UserError, match='got 2'):
        RandomFlip(prob=2)
    with pytest.raises(UserError, match="got 'diagonal'"):
        RandomFlip(direction='diagonal')


def test_pad__fills_right_and_bottom():
    results = Pad(size=(24, 33), pad_val=7, seg_pad_val=255)(sample())
    assert results['img'].shape == results['pad_shape'] == (24, 33, 3)
    np.testing.assert_array_equal(results['img'][:20, :30], sample()['img'])
    assert (results['img'][20:] == 7).all() and (results['img'][:, 30:] == 7).all()
    assert (results['gt_semantic_seg'][20:] == 255).all()


def test_pad__divisor_and_larger_images():
    assert Pad(size_divisor=16)(sample())['img'].shape == (32, 32, 3)
    assert Pad(size=(4, 40))(sample())['img'].shape == (20, 40, 3)
    with pytest.raises(UserError, match='either'):
        Pad()


def test_random_rotate__a_quarter_turn_is_exact():
    results = RandomRotate(prob=1, degree=(90, 90), auto_bound=True)(sample())
    np.testing.assert_array_equal(results['img'], np.rot90(sample()['img'], -1))
    np.testing.assert_array_equal(
        results['gt_semantic_seg'], np.rot90(sample()['gt_semantic_seg'], -1)
    )


def test_random_rotate__new_pixels_are_ignored_and_chance_is_kept():
    results = RandomRotate(prob=1, degree=30)(sample())
    assert set(np.unique(results['gt_semantic_seg'])) <= {0, 1, 2, 3, 4, 255}
    np.testing.assert_array_equal(RandomRotate(prob=0, degree=30)(sample())['img'], sample()['img'])


def test_seg_rescale__touches_labels_alone():
    results = SegRescale(0.5)(sample())
    assert results['gt_semantic_seg'].shape == (10, 15) and results['img'].shape == (20, 30, 3)


@pytest.mark.parametrize(
    'transform',
    [
        Resize((30, 20), ratio_range=(0.5, 2)),
        RandomFlip(0.5),
        RandomRotate(0.5, 20),
    ],
)
def test_transforms__draw_from_the_generator_handed_in_and_nowhere_else(transform):
    for seed in range(4):
        np.random.seed(seed)
        one, other = transform(sample(seed=3)), transform(sample(seed=3))
        np.testing.assert_array_equal(one['img'], other['img'])
    assert transform({**sample(), 'rng': np.random.default_rng()})['img'].size


@pytest.mark.parametrize(('ignored', 'pad', 'expected'), [(5, 5, 255), (0, 0, 255), (5, 3, 3)])
def test_pad__padding_with_what_files_hold_for_ignored_is_ignored(ignored, pad, expected):
    results = Pad(size=(24, 33), seg_pad_val=pad)({**sample(), 'ignore_index': ignored})
    assert np.unique(results['gt_semantic_seg'][20:]).tolist() == [expected]
