"""The pyramid over a plain transformer's maps."""

import pytest
import torch

from mmseg.models.necks import SimpleFeaturePyramid
from mmseg.utils.errors import UserError


@pytest.mark.parametrize('source', ['last', 'each'])
def test_forward__makes_a_map_of_each_scale(source):
    pyramid = SimpleFeaturePyramid([16] * 4, out_channels=8, source=source)
    maps = pyramid([torch.randn(2, 16, 5, 3) for _ in range(4)])
    assert [tuple(m.shape) for m in maps] == [
        (2, 8, 20, 12),
        (2, 8, 10, 6),
        (2, 8, 5, 3),
        (2, 8, 3, 2),
    ]
    assert pyramid.out_channels == (8, 8, 8, 8)


@pytest.mark.parametrize(('source', 'seen'), [('last', [False, True]), ('each', [True, True])])
def test_forward__sees_the_last_map_or_each(source, seen):
    pyramid = SimpleFeaturePyramid([4, 4], out_channels=6, scales=(2, 1), source=source)
    inputs = [torch.randn(1, 4, 3, 3, requires_grad=True) for _ in range(2)]
    sum(m.square().sum() for m in pyramid(inputs)).backward()
    assert [features.grad is not None for features in inputs] == seen


def test_forward__every_place_is_normalised():
    first = SimpleFeaturePyramid([4], out_channels=8, scales=(1,))([torch.randn(1, 4, 5, 6)])[0]
    torch.testing.assert_close(first.mean(1), torch.zeros(1, 5, 6), atol=1e-5, rtol=0)
    torch.testing.assert_close(first.var(1, unbiased=False), torch.ones(1, 5, 6), atol=1e-2, rtol=0)


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'scales': (3,)}, 'scales: expected some of'),
        ({'scales': ()}, 'scales: expected some of'),
        ({'source': 'first'}, "source: expected 'last' or 'each'"),
        ({'source': 'each', 'scales': (4, 2)}, 'wants a map for each of the 2 scales'),
    ],
)
def test_init__settings_that_do_not_fit_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        SimpleFeaturePyramid([4] * 4, **settings)
