"""Every head against the golden files, as its published config builds it."""

import numpy as np
import pytest
import torch
from mmcv import Config

from mmseg.models import build_head, build_segmentor
from tests.golden import load
from tests.golden.fill import fill_deterministic, input_for
from tests.models.networks import CONFIGS, PUBLISHED, STATE_DICT_KEYS

MIT = ((64, (24, 26)), (128, (12, 14)), (320, (6, 8)), (512, (3, 5)))
RESNET = ((256, (16, 16)), (512, (8, 8)), (1024, (8, 8)), (2048, (8, 8)))


def model_of(name):
    return Config.fromfile(CONFIGS / f'{name}.py').model


def test_golden__every_row_is_tested():
    assert set(load('heads')) == set(PUBLISHED)


@pytest.mark.parametrize('name', PUBLISHED)
def test_forward__equals_golden(name):
    model = model_of(name)
    head = fill_deterministic(build_head(model.decode_head)).eval()
    inputs = [
        torch.from_numpy(input_for(f'{name}_{i}', (1, channels, *size)))
        for i, (channels, size) in enumerate(RESNET if 'depth' in model.backbone else MIT)
    ]
    with torch.no_grad():
        logits = head(inputs)
    np.testing.assert_allclose(logits, load('heads')[name], atol=2e-4, rtol=1e-3)


@pytest.mark.parametrize('name', PUBLISHED)
def test_state_dict__names_shapes_and_order_as_published(name):
    with torch.device('meta'):
        network = build_segmentor(model_of(name))
    ours = {key: list(value.shape) for key, value in network.state_dict().items()}
    assert list(ours.items()) == list(STATE_DICT_KEYS[name].items())


@pytest.mark.parametrize('name', PUBLISHED)
def test_embed_channels__is_what_the_embedding_has(name):
    head = build_head(model_of(name).decode_head)
    if name.startswith('deeplabv2'):
        assert head.embed_channels is None
    else:
        assert head.embed_channels == (768 if name.startswith('segformer') else head.channels)
