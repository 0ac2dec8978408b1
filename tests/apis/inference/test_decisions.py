"""Whoever asks a network gets the same answer, since all ask by the same door."""

import copy

import numpy as np
import pytest
import torch

from mmseg.apis import (
    Segmenter,
    inference_segmentor,
    init_segmentor,
    load_config,
    predict,
)
from mmseg.apis.loader import build_test_loader
from mmseg.datasets import build_dataset
from mmseg.models import SEGMENTORS
from mmseg.models.segmentors import EncoderDecoder
from tests.apis.tiny import CLASSES, PALETTE, write_config

ASKING = {
    'a test': lambda model, dataset: [
        p.labels for p in predict(model, build_test_loader(dataset, model.cfg, torch.device('cpu')))
    ],
    'a script': lambda model, dataset: inference_segmentor(model, files_of(dataset)),
    'a demo': lambda model, dataset: [seen.labels for seen in Segmenter(model)(files_of(dataset))],
}


def files_of(dataset):
    return [dataset.image_path(index) for index in range(len(dataset))]


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    return load_config(write_config(tmp_path_factory.mktemp('tiny')))


def network(config):
    torch.manual_seed(0)
    model = init_segmentor(config, device='cpu')
    model.init_weights()
    model.CLASSES, model.PALETTE = CLASSES, PALETTE
    return model


@pytest.mark.parametrize('asking', ASKING)
def test_decide__a_network_that_was_training_answers_in_eval_mode(config, asking):
    dataset = build_dataset(config.data.test, {'test_mode': True})
    model = network(config)
    with torch.no_grad():
        model(
            img=torch.rand(2, 3, 32, 48),
            img_metas=[{}] * 2,
            gt_semantic_seg=torch.zeros(2, 1, 32, 48, dtype=torch.int64),
        )
    expected = inference_segmentor(model, files_of(dataset))
    statistics = {name: value.clone() for name, value in model.state_dict().items()}
    for found, labels in zip(ASKING[asking](model.train(), dataset), expected, strict=True):
        np.testing.assert_array_equal(found, labels)
    for name, value in model.state_dict().items():
        assert torch.equal(value, statistics[name])


@pytest.mark.parametrize('asking', ['a test', 'a script'])
def test_decide__a_segmentor_that_tests_in_its_own_way_is_asked_so(config, asking, monkeypatch):
    class Upwards(EncoderDecoder):
        def simple_test(self, img, img_meta, rescale=True):
            return [np.full(meta['ori_shape'][:2], 3) for meta in img_meta]

    monkeypatch.setitem(SEGMENTORS.module_dict, 'Upwards', Upwards)
    own = copy.deepcopy(config)
    own.model = {**config.model, 'type': 'Upwards'}
    dataset = build_dataset(config.data.test, {'test_mode': True})
    for labels in ASKING[asking](network(own), dataset):
        assert labels.shape == (40, 56) and (labels == 3).all()
