"""Registries and what is built from whole configs."""

import json

import pytest
import torch
from mmcv import Config
from torch import nn

from mmseg.core.adaptation import AdaptationMethod
from mmseg.models import (
    HEADS,
    UDA,
    build_backbone,
    build_head,
    build_loss,
    build_neck,
    build_segmentor,
    build_train_model,
    has_pretrained,
)
from mmseg.utils.errors import UserError
from tests.golden import FOLDER
from tests.models.networks import CONFIGS, small_config


@pytest.fixture
def method():
    """A method that keeps what it was built with, registered for one test."""

    class Recorder(AdaptationMethod):
        def __init__(self, model, seed, alpha=0.9):
            super().__init__()
            self.model, self.seed, self.alpha = model, seed, alpha

    UDA.register_module(name='Recorder', module=Recorder)
    yield Recorder
    UDA.module_dict.pop('Recorder')


def test_build_train_model__a_method_that_promises_nothing_is_refused(monkeypatch):
    monkeypatch.setitem(UDA.module_dict, 'Promises', lambda model, seed: torch.nn.Identity())
    with pytest.raises(UserError, match=r'Identity .* mmseg\.models\.uda\.AdaptationMethod'):
        build_train_model({'model': small_config(), 'uda': {'type': 'Promises'}})


@pytest.mark.parametrize(
    ('build', 'kind', 'message'),
    [
        (build_backbone, 'mit_b9', "no backbone 'mit_b9'; did you mean 'mit_b"),
        (build_head, 'DAFormer', "no decode head 'DAFormer'; did you mean 'DAFormerHead'"),
        (build_neck, 'FPN', "no neck 'FPN'; available: SegFormerAdapter"),
        (build_backbone, 'ResNetV1b', "did you mean 'ResNetV1"),
        (build_loss, 'CrossEntropy', "did you mean 'CrossEntropyLoss'"),
        (build_segmentor, 'EncoderDecode', "did you mean 'EncoderDecoder'"),
    ],
)
def test_build__unknown_type_is_named(build, kind, message):
    with pytest.raises(UserError, match=message):
        build({'type': kind})


def test_build__wrong_setting_deep_inside_is_named():
    model = small_config()
    model.backbone.drop_path = 0.2
    with pytest.raises(UserError, match="mit_b0 has no setting 'drop_path'; did you mean 'drop_pa"):
        build_segmentor(model)


@pytest.mark.parametrize('path', sorted(CONFIGS.glob('*.py')), ids=lambda path: path.stem)
def test_build_segmentor__every_model_config_builds(path):
    with torch.device('meta'):
        network = build_segmentor(Config.fromfile(path).model)
    assert network.decode_head.num_classes == network.num_classes == 19


def test_build_segmentor__phases_take_the_place_of_the_config():
    test_cfg = {'mode': 'slide', 'crop_size': (32, 32), 'stride': (16, 16)}
    network = build_segmentor(small_config(), test_cfg=test_cfg)
    assert network.test_cfg.mode == 'slide'


def test_build_train_model__what_is_trained_is_evaluated_in_windows_of_the_training_crop():
    model = {**small_config(), 'test_cfg': {'mode': 'slide'}}
    cropping = {'pipeline': [{'type': 'RandomCrop', 'crop_size': (48, 64)}]}
    network = build_train_model({'model': model, 'data': {'train': cropping}})
    assert network.test_cfg == {'mode': 'slide', 'crop_size': (48, 64), 'stride': (32, 42)}
    assert model['test_cfg'] == {'mode': 'slide'}
    with pytest.raises(UserError, match="'slide' needs crop_size and stride"):
        build_train_model({'model': model})


def test_build_segmentor__config_is_left_as_it_was():
    model = small_config()
    before = model.copy()
    build_segmentor(model)
    assert model == before


def test_build__sync_bn_becomes_bn_outside_distributed_runs():
    model = small_config()
    model.decode_head.norm_cfg.type = 'SyncBN'
    model.decode_head.decoder_params.fusion_cfg.norm_cfg.type = 'SyncBN'
    norms = {type(m) for m in build_segmentor(model).modules() if 'BatchNorm' in type(m).__name__}
    assert norms == {nn.BatchNorm2d}


def test_build_train_model__without_uda_is_the_segmentor():
    model = build_train_model({'model': small_config(), 'uda': None})
    assert type(model).__name__ == 'EncoderDecoder'


@pytest.mark.parametrize(('seed', 'expected'), [(3, 3), (None, 0)])
def test_build_train_model__uda_gets_model_and_seed(method, seed, expected):
    cfg = {'model': {'type': 'Any'}, 'uda': {'type': 'Recorder', 'alpha': 0.5}, 'seed': seed}
    built = build_train_model(cfg, test_cfg={'mode': 'whole'})
    assert isinstance(built, method)
    assert built.model == {'type': 'Any', 'test_cfg': {'mode': 'whole'}}
    assert (built.seed, built.alpha) == (expected, 0.5)


def test_has_pretrained__only_what_is_there(tmp_path):
    weights = tmp_path / 'weights.pth'
    assert not has_pretrained(None)
    assert not has_pretrained(str(weights))
    torch.save({}, weights)
    assert has_pretrained(str(weights))
    assert has_pretrained('https://example.org/weights.pth')


def test_heads__are_registered_by_name():
    assert HEADS.get('DAFormerHead').__name__ == 'DAFormerHead'


def experiment_models():
    """Return each model of the published experiments once: its base file and its changes."""
    listed = json.loads((FOLDER / 'experiments.json').read_text())
    texts = {
        json.dumps([config['_base_'][1], config['model']], sort_keys=True)
        for configs in listed.values()
        for config in configs
    }
    return [json.loads(text) for text in sorted(texts)]


@pytest.mark.parametrize(
    ('base', 'changes'),
    experiment_models(),
    ids=lambda part: part if isinstance(part, str) else part['backbone'].get('type', 'same'),
)
def test_build_segmentor__every_published_experiment_builds(base, changes, tmp_path):
    path = tmp_path / 'experiment.json'
    path.write_text(json.dumps({'_base_': str(CONFIGS.parents[1] / base), 'model': changes}))
    with torch.device('meta'):
        network = build_segmentor(Config.fromfile(str(path)).model)
        logits = network.eval().encode_decode(torch.randn(1, 3, 64, 64), [])
    assert logits.shape == (1, 19, 64, 64)
