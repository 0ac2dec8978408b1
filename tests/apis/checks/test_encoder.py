import pytest
import timm
import torch

from mmseg.apis.checks.encoder import images_are_normalised_for_the_weights
from tests.apis.checks.runs import built, config_of, messages

LITE0 = {'type': 'TimmBackbone', 'model': 'tf_efficientnet_lite0'}
HALF = [127.5] * 3


@pytest.fixture
def weights(tmp_path):
    torch.save(timm.create_model('tf_efficientnet_lite0').state_dict(), tmp_path / 'lite0.pth')
    return str(tmp_path / 'lite0.pth')


def said(folder, pretrained, **constants):
    cfg = config_of(folder)
    cfg.model.backbone = {**LITE0, 'pretrained': pretrained}
    del cfg.model.decode_head['in_channels']
    cfg.data.train.pipeline[5].update(constants)
    return messages(images_are_normalised_for_the_weights, built(cfg), 'warning')


def test_encoder__constants_of_other_weights_are_named(tmp_path, weights):
    (line,) = said(tmp_path, weights)
    assert 'the weights of tf_efficientnet_lite0' in line
    assert 'mean (127.5, 127.5, 127.5) and std (127.5, 127.5, 127.5)' in line
    assert 'mean (123.7, 116.3, 103.5)' in line


def test_encoder__nothing_is_said_of_the_right_constants_or_of_random_weights(tmp_path, weights):
    assert said(tmp_path, None) == []
    assert said(tmp_path, weights, mean=HALF, std=HALF) == []
