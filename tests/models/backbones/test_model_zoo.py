"""Weights by name: from the model zoo, else from timm, else none."""

import hashlib
import logging
from concurrent.futures import ThreadPoolExecutor

import pytest
import timm
import torch
from safetensors.torch import save_file

from mmseg.models import build_backbone
from mmseg.models.backbones import model_zoo
from mmseg.models.backbones.model_zoo import from_timm, timm_state, zoo_file
from mmseg.utils.errors import UserError
from tests.file_server import file_server

V1C = {'type': 'ResNetV1c', 'depth': 50}
NEXT = {'type': 'ResNeXt', 'depth': 50, 'groups': 32, 'base_width': 4}
NEST = {'type': 'ResNeSt', 'depth': 50}
NEST_101 = {'type': 'ResNeSt', 'depth': 101, 'stem_channels': 128}


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    """Cut the network off and begin with empty caches."""
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path / 'hub'))
    monkeypatch.setattr(model_zoo, 'is_reachable', lambda address: False)
    monkeypatch.setattr(model_zoo, 'try_to_load_from_cache', lambda *_: None)
    # a logger set up by another test may have stopped passing records on
    monkeypatch.setattr(logging.getLogger('mmseg'), 'propagate', True)


def random_timm(name, **settings):
    torch.manual_seed(0)
    network = timm.create_model(name, **settings).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.running_mean, std=0.1)
    return network


@pytest.mark.parametrize(
    ('name', 'cfg'),
    [
        ('resnet50c', V1C),
        ('resnext50_32x4d', NEXT),
        ('resnest50d', NEST),
        ('resnest101e', NEST_101),
    ],
)
def test_from_timm__network_computes_the_same(name, cfg):
    theirs = random_timm(name)
    ours = build_backbone(cfg).eval()
    ours.load_state_dict(from_timm(theirs.state_dict()))
    image = torch.randn(1, 3, 50, 77)
    with torch.no_grad():
        torch.testing.assert_close(ours(image)[-1], theirs.forward_features(image))


def test_init_weights__a_file_of_the_model_zoo_is_taken_from_the_cache():
    """Files of the zoo have a classifier, and old ones do not count batches."""
    source = build_backbone(V1C)
    _, file = model_zoo.zoo_place('open-mmlab://resnet50_v1c')
    file.parent.mkdir(parents=True)
    state = {k: v for k, v in source.state_dict().items() if 'num_batches' not in k}
    torch.save({'meta': {}, 'state_dict': {**state, 'fc.weight': torch.zeros(9, 2048)}}, file)
    network = build_backbone({**V1C, 'pretrained': 'open-mmlab://resnet50_v1c'})
    network.init_weights()
    for name, value in network.state_dict().items():
        assert torch.equal(value, source.state_dict()[name])


@pytest.fixture
def zoo(monkeypatch):
    """A model zoo on this machine, with one file whose name ends in the hash that it has."""
    content = b'weights' * 1000
    name = f'/resnet50-{hashlib.sha256(content).hexdigest()[:8]}.pth'
    with file_server() as server:
        server.files[name] = content
        places = {'resnet50_v1c': server.url(name)}
        monkeypatch.setattr(model_zoo, 'get_external_models', lambda: places)
        monkeypatch.setattr(model_zoo, 'is_reachable', lambda address: 'huggingface' not in address)
        yield server


def test_zoo_file__is_downloaded_once_even_where_the_connection_breaks(zoo, monkeypatch):
    monkeypatch.setattr('mmseg.utils.download._PAUSE_S', 0)
    (name,) = zoo.files
    zoo.break_after[name] = 3000
    files = [zoo_file('open-mmlab://resnet50_v1c') for _ in range(2)]
    assert files[0] == files[1] and files[0].read_bytes() == zoo.files[name]
    assert zoo.requests == [(name, None), (name, 'bytes=3000-')]


def test_zoo_file__of_processes_that_begin_at_once_one_fetches(zoo):
    with ThreadPoolExecutor(4) as pool:
        files = list(pool.map(zoo_file, ['open-mmlab://resnet50_v1c'] * 4))
    assert all(file.read_bytes() == zoo.files[f'/{file.name}'] for file in files)
    assert len(zoo.requests) == 1


@pytest.mark.parametrize('problem', ['another file', 'a page in its place', 'nothing'])
def test_zoo_file__one_that_cannot_be_had_is_told_and_survived(zoo, caplog, problem):
    (name,) = zoo.files
    told = {
        'another file': 'is not the file that was published: expected SHA-256',
        'a page in its place': 'sends a web page',
        'nothing': 'answers 404',
    }[problem]
    if problem == 'another file':
        zoo.files[name] = b'damaged'
    elif problem == 'a page in its place':
        zoo.web_pages.add(name)
    else:
        zoo.files.clear()
    assert zoo_file('open-mmlab://resnet50_v1c') is None
    assert told in caplog.text


def test_init_weights__timm_stands_in_with_a_notice(monkeypatch, caplog):
    theirs = random_timm('resnet50c')
    monkeypatch.setattr(model_zoo, 'is_reachable', lambda address: 'huggingface' in address)

    def fetch(address, file, expected):
        assert address.endswith('/timm/resnet50c.gluon_in1k/resolve/main/model.safetensors')
        file.parent.mkdir(parents=True)
        save_file(theirs.state_dict(), file)
        return file

    monkeypatch.setattr(model_zoo, 'downloaded', fetch)
    network = build_backbone({**V1C, 'pretrained': 'open-mmlab://resnet50_v1c'})
    with caplog.at_level(logging.INFO, 'mmseg'):
        network.init_weights()
    assert torch.equal(network.stem[6].weight, theirs.conv1[6].weight)
    assert torch.equal(network.layer4[2].bn3.weight, theirs.layer4[2].bn3.weight)
    (record,) = caplog.records
    assert 'resnet50c.gluon_in1k of timm instead of open-mmlab://resnet50_v1c' in record.message


def test_timm_state__cached_weights_need_no_network(monkeypatch, tmp_path):
    theirs = random_timm('resnet50c')
    file = tmp_path / 'model.pth'
    torch.save(theirs.state_dict(), file)
    monkeypatch.setattr(model_zoo, 'try_to_load_from_cache', lambda *_: str(file))
    state = timm_state('open-mmlab://resnet50_v1c')
    assert torch.equal(state['layer1.0.conv1.weight'], theirs.layer1[0].conv1.weight)


def test_init_weights__without_any_source_one_warning_and_random_weights(caplog):
    network = build_backbone({**V1C, 'pretrained': 'open-mmlab://resnet50_v1c'})
    network.init_weights()
    (record,) = caplog.records
    assert 'open-mmlab://resnet50_v1c not found' in record.getMessage()
    assert 'resnet50_v1c-2cccc1ad.pth to ' in record.getMessage()
    assert 'starts from random weights' in record.getMessage()


def test_timm_state__weights_that_timm_cannot_read_are_a_warning(monkeypatch, caplog):
    def fetch(address, file, expected):
        file.parent.mkdir(parents=True)
        file.write_bytes(b'no weights')
        return file

    monkeypatch.setattr(model_zoo, 'is_reachable', lambda address: 'huggingface' in address)
    monkeypatch.setattr(model_zoo, 'downloaded', fetch)
    assert timm_state('open-mmlab://resnet50_v1c') is None
    assert 'timm could not load resnet50c.gluon_in1k: ' in caplog.text


def test_timm_state__only_what_timm_has():
    assert timm_state('open-mmlab://resnet18_v1c') is None


@pytest.mark.parametrize('name', model_zoo._IN_TIMM.items(), ids=str)
def test_names__are_known_on_both_sides(name):
    zoo, theirs = name
    assert model_zoo.zoo_place(f'open-mmlab://{zoo}')
    assert timm.is_model_pretrained(theirs)


def test_names__unknown_one_is_named():
    with pytest.raises(UserError, match=r"no weights 'resnet50_v1'; did you mean .*resnet50_v1c"):
        build_backbone({**V1C, 'pretrained': 'open-mmlab://resnet50_v1'}).init_weights()
