"""Maps of where a network is not to be trusted."""

import numpy as np
import pytest
import torch

from mmseg.apis import Segmenter, init_segmentor, load_config
from mmseg.apis.inference import SecondOpinions, second_opinions
from tests.apis.tiny import write_run
from tests.tools.adapted import adapted_run


@pytest.fixture(scope='module')
def adapted(tmp_path_factory):
    """A run that adapted, with a bank that is filled in part."""
    return adapted_run(tmp_path_factory.mktemp('adapted'))


def pictures(*sizes):
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (*size, 3)).astype(np.uint8) for size in sizes]


@pytest.mark.parametrize('branch', ['model', 'ema_model'])
def test_uncertainty__the_classes_stay_and_maps_come_with_them(adapted, branch):
    path = adapted / 'latest.pth'
    model = init_segmentor(load_config(adapted / 'config.json'), path, 'cpu', branch)
    images = pictures((40, 56), (31, 97))
    plain = Segmenter(model)(images)
    told = Segmenter(model, opinions=second_opinions(model, path, branch))(images)
    for one, other, image in zip(plain, told, images, strict=True):
        np.testing.assert_array_equal(one.labels, other.labels)
        np.testing.assert_allclose(one.confidence, other.confidence, atol=1e-5)
        assert not one.uncertainty and list(other.uncertainty) == ['entropy', 'networks', 'levels']
        for values in other.uncertainty.values():
            assert values.shape == image.shape[:2] and values.dtype == np.float32
            assert values.min() >= 0 and values.max() <= 1
        # The entropy of a distribution bounds its largest part.
        assert np.corrcoef(other.uncertainty['entropy'].ravel(), other.confidence.ravel())[0, 1] < 0


def test_uncertainty__a_network_agrees_with_itself(adapted):
    model = init_segmentor(load_config(adapted / 'config.json'), adapted / 'latest.pth', 'cpu')
    (told,) = Segmenter(model, opinions=SecondOpinions(model))(pictures((40, 56)))
    assert list(told.uncertainty) == ['entropy', 'networks']
    assert told.uncertainty['networks'].max() < 1e-6


def test_uncertainty__large_images_go_through_in_the_same_windows(adapted):
    path = adapted / 'latest.pth'
    model = init_segmentor(load_config(adapted / 'config.json'), path, 'cpu')
    segmenter = Segmenter(model, 1.0, second_opinions(model, path))
    (told,), (plain,) = (each(pictures((150, 260))) for each in (segmenter, Segmenter(model, 1.0)))
    np.testing.assert_array_equal(told.labels, plain.labels)
    assert told.uncertainty['levels'].shape == (150, 260)


def test_second_opinions__a_file_of_one_network_holds_none(tmp_path):
    run = write_run(tmp_path)
    model = init_segmentor(load_config(run / 'config.json'), run / 'iter_1.pth', 'cpu')
    assert second_opinions(model, run / 'iter_1.pth') == SecondOpinions()
    (told,) = Segmenter(model, opinions=SecondOpinions())(pictures((40, 56)))
    assert list(told.uncertainty) == ['entropy']
    assert torch.from_numpy(told.uncertainty['entropy']).isfinite().all()
