import copy

import cv2
import numpy as np
import pytest
import torch
from mmcv.utils import Config

from mmseg.apis import (
    inference_segmentor,
    init_segmentor,
    load_config,
    match_classes,
    show_result_pyplot,
    single_gpu_test,
)
from mmseg.apis.loader import build_test_loader
from mmseg.core.checkpoint import save_checkpoint
from mmseg.core.visualization import load_picture, overlay
from mmseg.datasets import build_dataset
from mmseg.models.decode_heads.aspp import ASPPModule
from mmseg.speed.pyramid import JoinedPyramid
from mmseg.utils.errors import UserError
from tests.apis.tiny import CLASSES, PALETTE, write_config


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    return load_config(write_config(tmp_path_factory.mktemp('tiny')))


@pytest.fixture(scope='module')
def model(config):
    torch.manual_seed(0)
    network = init_segmentor(config, device='cpu')
    network.init_weights()
    network.CLASSES, network.PALETTE = CLASSES, PALETTE
    return network


def test_init_segmentor__names_and_colours_come_from_the_checkpoint(config, model, tmp_path):
    save_checkpoint(model, tmp_path / 'x.pth')
    loaded = init_segmentor(config, tmp_path / 'x.pth', 'cpu')
    assert list(loaded.CLASSES) == CLASSES and loaded.PALETTE == PALETTE
    assert not loaded.training
    image = np.full((40, 56, 3), 90, np.uint8)
    (ours,), (theirs,) = inference_segmentor(model, image), inference_segmentor(loaded, image)
    np.testing.assert_array_equal(ours, theirs)


def test_init_segmentor__the_network_is_quick_unless_that_is_switched_off(config, model):
    plain = init_segmentor(Config({**config, 'speed': 'off'}), device='cpu')
    assert type(model.decode_head.fuse_layer.aspp_modules) is JoinedPyramid
    assert type(plain.decode_head.fuse_layer.aspp_modules) is ASPPModule


@pytest.mark.parametrize('classes', [['road', 'car'], [*CLASSES, 'train']])
def test_init_segmentor__a_checkpoint_of_other_classes_than_the_head(
    config, model, tmp_path, monkeypatch, classes
):
    monkeypatch.setattr(model, 'CLASSES', classes)
    save_checkpoint(model, tmp_path / 'x.pth')
    told = f'x.pth has {len(classes)} .road, .*, the head .model.decode_head.num_classes. has 5;'
    with pytest.raises(UserError, match=told):
        init_segmentor(config, tmp_path / 'x.pth', 'cpu')


def test_init_segmentor__every_class_has_a_colour_where_the_palette_is_short(
    config, model, tmp_path, monkeypatch
):
    monkeypatch.setattr(model, 'PALETTE', PALETTE[:2])
    save_checkpoint(model, tmp_path / 'x.pth')
    loaded = init_segmentor(config, tmp_path / 'x.pth', 'cpu')
    assert loaded.PALETTE[:2] == PALETTE[:2] and len(loaded.PALETTE) == 5


@pytest.mark.parametrize(
    ('classes', 'told'),
    [
        (CLASSES[::-1], "class 0 is 'road' in the checkpoint .* and 'sky' in the data set Custom"),
        (CLASSES[:3], r'the checkpoint .* has 5 .*, the data set CustomDataset .data.test. has 3'),
        ([*CLASSES[:4], 'ski'], "class 4 is 'sky' in .* and 'ski' in the data set"),
    ],
)
def test_match_classes__a_data_set_of_other_classes(config, model, tmp_path, classes, told):
    save_checkpoint(model, tmp_path / 'x.pth')
    loaded = init_segmentor(config, tmp_path / 'x.pth', 'cpu')
    settings = {**config.data.test, 'classes': classes, 'palette': None, 'extra_means': None}
    with pytest.raises(UserError, match=told):
        match_classes(loaded, build_dataset(settings, {'test_mode': True}))


@pytest.mark.parametrize('names', [None, ['0', '1', '2', '3', '4']])
def test_match_classes__names_that_the_data_set_lacks_are_the_networks(
    config, model, tmp_path, names
):
    settings = {**config.data.test, 'classes': names, 'palette': None}
    dataset = build_dataset(settings, {'test_mode': True})
    save_checkpoint(model, tmp_path / 'x.pth')
    loaded = init_segmentor(config, tmp_path / 'x.pth', 'cpu')
    match_classes(loaded, dataset)
    assert list(dataset.CLASSES) == CLASSES and dataset.PALETTE == PALETTE


@pytest.mark.parametrize('size', [(40, 56), (31, 97), (200, 60)])
def test_inference_segmentor__labels_have_the_size_of_the_image(model, size):
    image = np.random.default_rng(0).integers(0, 256, (*size, 3)).astype(np.uint8)
    one, two = inference_segmentor(model, [image, image[::-1]])
    assert one.shape == two.shape == size
    assert one.min() >= 0 and one.max() < 5


def test_inference_segmentor__a_file_and_its_array_give_the_same(model, config):
    path = f'{config.data.test.data_root}/images/0.png'
    picture = load_picture(path)
    from_file, from_array = inference_segmentor(model, [path, picture[..., ::-1].copy()])
    np.testing.assert_array_equal(from_file, from_array)
    shown = show_result_pyplot(model, path, [from_file], opacity=0.3)
    np.testing.assert_array_equal(shown, overlay(picture, from_file, PALETTE, 0.3))


def test_show_result_pyplot__writes_what_it_returns(model, tmp_path):
    image = np.full((40, 56, 3), 90, np.uint8)
    labels = inference_segmentor(model, image)
    colours = [[0, 0, 0]] * 5
    shown = show_result_pyplot(
        model, image, labels, colours, (3, 2), 1.0, out_file=tmp_path / 'x.png'
    )
    assert not shown.any()
    np.testing.assert_array_equal(load_picture(tmp_path / 'x.png'), shown)


def test_single_gpu_test__label_maps_and_areas_give_the_same_scores(model, config, tmp_path):
    dataset = build_dataset(config.data.test, {'test_mode': True})
    loader = build_test_loader(dataset, config, torch.device('cpu'))
    maps = single_gpu_test(model, loader, out_dir=tmp_path)
    areas = single_gpu_test(model, loader, pre_eval=True)
    assert len(maps) == len(dataset) == 3
    np.testing.assert_equal(dataset.evaluate(maps), dataset.evaluate(areas))
    for index, labels in enumerate(maps):
        (single,) = inference_segmentor(model, f'{dataset.img_dir}/{index}.png')
        np.testing.assert_array_equal(labels, single)
        assert (tmp_path / f'{index}_color.png').is_file()


def test_inference__reads_files_as_the_config_does(config, model, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 4096, (40, 56, 3)).astype(np.uint16)
    cv2.imwrite(str(tmp_path / 'deep.png'), pixels)
    bytes_of = np.rint(pixels * (255 / 4095)).astype(np.uint8)
    with pytest.raises(UserError, match=r'deep\.png holds .*max_value=4095'):
        inference_segmentor(model, tmp_path / 'deep.png')
    before = model.cfg
    model.cfg = copy.deepcopy(config)
    model.cfg.data.test.pipeline[0]['max_value'] = 4095
    try:
        (labels,) = inference_segmentor(model, tmp_path / 'deep.png')
    finally:
        model.cfg = before
    np.testing.assert_array_equal(labels, inference_segmentor(model, bytes_of)[0])


@pytest.mark.parametrize('joined', [lambda c: [c, c], lambda c: {'datasets': [c]}])
def test_inference__takes_the_pipeline_of_the_first_of_joined_test_sets(config, model, joined):
    image = np.full((40, 56, 3), 90, np.uint8)
    (expected,) = inference_segmentor(model, image)
    before = model.cfg
    model.cfg = copy.deepcopy(config)
    model.cfg.data.test = joined(model.cfg.data.test)
    try:
        np.testing.assert_array_equal(inference_segmentor(model, image)[0], expected)
    finally:
        model.cfg = before
