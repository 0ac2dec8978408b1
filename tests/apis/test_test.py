"""Batches, threads and lower precision give what images tested one by one give."""

import cv2
import numpy as np
import pytest
import torch

from mmseg.apis import init_segmentor, load_config, predict, single_gpu_test
from mmseg.apis.loader import build_test_loader
from mmseg.core.evaluation import confusion_matrix
from mmseg.datasets import build_dataset
from mmseg.utils.errors import UserError
from tests.apis.tiny import CLASSES, PALETTE, write_config

CPU = torch.device('cpu')


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    folder = tmp_path_factory.mktemp('tiny')
    config = load_config(write_config(folder))
    for kind in ('images', 'labels'):  # a smaller one in the middle
        array = np.random.default_rng(0).integers(0, 5, (30, 44), np.uint8)
        assert cv2.imwrite(str(folder / 'target' / kind / '1.png'), array)
    return config


@pytest.fixture(scope='module')
def model(config):
    torch.manual_seed(0)
    network = init_segmentor(config, device='cpu')
    network.init_weights()
    network.CLASSES, network.PALETTE = CLASSES, PALETTE
    return network


@pytest.fixture(scope='module')
def dataset(config):
    return build_dataset(config.data.test, {'test_mode': True})


def loader(dataset, config, batch_size, **kwargs):
    config.data.test_samples_per_gpu = batch_size
    return build_test_loader(dataset, config, CPU, **kwargs)


def one_by_one(model, dataset, config):
    """Label maps by softmax and argmax on the host, and their counts, image by image."""
    results = []
    for batch in loader(dataset, config, 1, with_labels=False):
        with torch.no_grad():
            probs = model.inference(batch['img'][0], batch['img_metas'][0], rescale=True)
        labels = probs.numpy()[0].argmax(0)
        true = dataset.get_gt_seg_map(batch['indices'][0])
        results.append((labels, confusion_matrix(labels, true, len(CLASSES), 255)))
    return results


@pytest.mark.parametrize('batch_size', [1, 3])
def test_predict__equals_images_tested_one_by_one(model, dataset, config, batch_size):
    expected = one_by_one(model, dataset, config)
    counts = single_gpu_test(model, loader(dataset, config, batch_size), pre_eval=True)
    predictions = list(predict(model, loader(dataset, config, batch_size)))
    assert [prediction.index for prediction in predictions] == [0, 1, 2]
    assert [p.meta['ori_filename'] for p in predictions] == ['0.png', '1.png', '2.png']
    for prediction, found, (labels, own_counts) in zip(predictions, counts, expected, strict=True):
        np.testing.assert_array_equal(prediction.labels, labels)
        assert torch.equal(found.int(), own_counts)


def test_predict__counts_alone_come_without_label_maps(model, dataset, config):
    prediction = next(predict(model, loader(dataset, config, 1), with_maps=False))
    assert prediction.labels is None and prediction.confusion.sum() == 40 * 56 - 4
    prediction = next(predict(model, loader(dataset, config, 1, with_labels=False)))
    assert prediction.labels.dtype == np.uint8 and prediction.confusion is None


def test_predict__in_bfloat16_nearly_all_pixels_stay(model, dataset, config):
    pairs = zip(
        predict(model, loader(dataset, config, 1), amp='bf16'),
        predict(model, loader(dataset, config, 1)),
        strict=True,
    )
    for rough, exact in pairs:
        assert (rough.labels == exact.labels).mean() > 0.95


def test_single_gpu_test__pictures_that_cannot_be_written_are_no_secret(
    model, dataset, config, tmp_path
):
    (tmp_path / 'preds').write_text('a file where a folder should be')
    with pytest.raises(OSError):
        single_gpu_test(model, loader(dataset, config, 1), out_dir=tmp_path / 'preds')


def test_single_gpu_test__without_labels_there_is_nothing_to_measure(model, config):
    dataset = build_dataset({**config.data.test, 'ann_dir': None}, {'test_mode': True})
    with pytest.raises(UserError, match='have no labels to test against'):
        single_gpu_test(model, loader(dataset, config, 1), pre_eval=True)
