import numpy as np
import pytest
import torch

from mmseg.models.uda import augmentation
from mmseg.models.uda.augmentation import (
    ViewSettings,
    blur_kernel_size,
    color_jitter,
    draw_view,
    gaussian_blur,
)
from tests.golden import load

MEAN, STD = torch.tensor([123.675, 116.28, 103.53]), torch.tensor([58.395, 57.12, 57.375])


def test_color_jitter__equals_the_published_one():
    golden = load('color_jitter')
    factors = [float(golden[name]) for name in ('brightness', 'contrast', 'saturation', 'hue')]
    result = color_jitter(torch.from_numpy(golden['image']), *factors, golden['order'].tolist())
    np.testing.assert_allclose(result, golden['out'], atol=2e-4, rtol=1e-3)


def test_gaussian_blur__equals_the_published_one():
    golden = load('self_training')
    image = torch.from_numpy(golden['blur_in'])
    assert [blur_kernel_size(side) for side in image.shape[-2:]] == golden['blur_kernel'].tolist()
    result = gaussian_blur(image, float(golden['blur_sigma']))
    np.testing.assert_allclose(result, golden['blur_out'], atol=2e-4, rtol=1e-3)


def test_gaussian_blur__takes_one_sigma_an_image():
    image = torch.rand(3, 2, 24, 40, generator=torch.Generator().manual_seed(0))
    sigmas = torch.tensor([0.3, 0.7, 1.1])
    singly = [gaussian_blur(image[i : i + 1], float(sigmas[i])) for i in range(3)]
    torch.testing.assert_close(gaussian_blur(image, sigmas), torch.cat(singly))


@pytest.mark.parametrize('side', [48, 60, 64, 128, 510, 512])
def test_blur_kernel_size__is_odd_and_near_a_tenth(side):
    size = blur_kernel_size(side)
    assert size % 2 == 1
    assert abs(size - side / 10) <= 1.5


def views(settings, num_views=200):
    image = torch.randn(1, 3, 16, 24, generator=torch.Generator().manual_seed(0)).clamp(-1, 1)
    kept = image.clone()
    generators = (torch.Generator().manual_seed(seed) for seed in range(num_views))
    drawn = [draw_view(image, MEAN, STD, settings, generator) for generator in generators]
    assert torch.equal(image, kept), 'a view changed its input'
    return image, drawn


def test_draw_view__jitters_four_batches_in_five():
    image, drawn = views(ViewSettings(blur=False))
    assert 140 < sum(not torch.equal(view, image) for view in drawn) < 180


def test_draw_view__blurs_every_other_batch():
    image, drawn = views(ViewSettings(jitter_strength=0))
    assert 75 < sum(not torch.equal(view, image) for view in drawn) < 125


def test_draw_view__can_be_switched_off():
    image, drawn = views(ViewSettings(jitter_strength=0, blur=False), num_views=5)
    assert all(torch.equal(view, image) for view in drawn)


def test_draw_view__repeats_with_the_generator():
    _, first = views(ViewSettings(), num_views=8)
    _, again = views(ViewSettings(), num_views=8)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))


def test_draw_view__images_of_a_batch_get_colours_of_their_own():
    image = torch.zeros(1, 3, 8, 8).expand(3, 3, 8, 8)
    generators = (torch.Generator().manual_seed(seed) for seed in range(10))
    drawn = [draw_view(image, MEAN, STD, ViewSettings(), generator) for generator in generators]
    assert any(not torch.allclose(view[0], view[1]) for view in drawn)


@pytest.mark.parametrize('num_bands', [1, 2, 4, 13])
def test_draw_view__images_of_other_than_three_bands_are_blurred_but_not_jittered(num_bands):
    image = torch.rand(2, num_bands, 24, 40, generator=torch.Generator().manual_seed(0))
    mean, std = torch.full((num_bands,), 100.0), torch.full((num_bands,), 50.0)
    for seed in range(8):
        view, plain = (
            draw_view(image, mean, std, settings, torch.Generator().manual_seed(seed))
            for settings in (ViewSettings(), ViewSettings(jitter_strength=0))
        )
        assert torch.equal(view, plain)
    only_jitter = ViewSettings(blur=False)
    generator = torch.Generator().manual_seed(0)
    assert draw_view(image, mean, std, only_jitter, generator) is image


def test_draw_view__is_told_of_bands_without_colours_once(capsys):
    augmentation._has_colours.cache_clear()
    image, statistic = torch.rand(1, 5, 24, 40), torch.full((5,), 100.0)
    for seed in range(6):
        generator = torch.Generator().manual_seed(seed)
        draw_view(image, statistic, statistic, ViewSettings(), generator)
    assert capsys.readouterr().out.count('images of 5 bands get no colour jitter') == 1
