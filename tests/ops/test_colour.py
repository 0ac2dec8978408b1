import colorsys

import pytest
import torch

from mmseg.ops import scale_saturation, shift_hue


def colours():
    """Random colours, greys, black, white and the six pure ones, as an image (1, 3, 1, W)."""
    random = torch.rand(40, 3, generator=torch.Generator().manual_seed(0))
    greys = torch.tensor([[0.0] * 3, [0.3] * 3, [1.0] * 3])
    pure = torch.cat([torch.eye(3), 1 - torch.eye(3)])
    return torch.cat([random, greys, pure]).T[None, :, None]


def in_hsv(image, change):
    pixels = [change(*colorsys.rgb_to_hsv(*p)) for p in image[0, :, 0].T.tolist()]
    return torch.tensor([colorsys.hsv_to_rgb(*p) for p in pixels]).T[None, :, None]


@pytest.mark.parametrize('factor', [0.0, 0.8, 1.0, 1.2])
def test_scale_saturation__equals_the_standard_librarys_hsv(factor):
    expected = in_hsv(colours(), lambda h, s, v: (h, min(s * factor, 1), v))
    torch.testing.assert_close(scale_saturation(colours(), factor), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize('turns', [-0.5, -0.2, 0.0, 0.1, 0.5])
def test_shift_hue__equals_the_standard_librarys_hsv(turns):
    expected = in_hsv(colours(), lambda h, s, v: ((h + turns) % 1, s, v))
    torch.testing.assert_close(shift_hue(colours(), turns), expected, rtol=0, atol=2e-6)
