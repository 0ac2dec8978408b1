"""Loading of pretrained weights: the forms of file, and what is said of those that do not fit."""

import logging

import pytest
import torch
from torch import nn

from mmseg.models.backbones.pretrained import load_pretrained
from mmseg.utils.errors import UserError
from tests.file_server import file_server


@pytest.fixture
def network():
    return nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))


def weights_like(network):
    return {key: torch.randn_like(value) for key, value in network.state_dict().items()}


@pytest.mark.parametrize(
    'wrap',
    [
        lambda state: state,
        lambda state: {'state_dict': state, 'meta': {}},
        lambda state: {'model': state},
        lambda state: {f'module.{k}': v for k, v in state.items()},
        lambda state: {
            **{f'backbone.{k}': v for k, v in state.items()},
            'decode_head.x': torch.zeros(1),
        },
    ],
    ids=['plain', 'state_dict', 'model', 'module', 'segmentor'],
)
def test_load__any_wrapping(network, tmp_path, wrap):
    state = weights_like(network)
    torch.save(wrap(state), tmp_path / 'w.pth')
    assert load_pretrained(network, str(tmp_path / 'w.pth'))
    assert all(torch.equal(network.state_dict()[key], state[key]) for key in state)


def test_load__none_is_silent(network, caplog):
    assert not load_pretrained(network, None)
    assert not caplog.records


def test_load__missing_file_is_warned_of_once(network, monkeypatch, caplog):
    # a logger set up by another test may have stopped passing records on
    monkeypatch.setattr(logging.getLogger('mmseg'), 'propagate', True)
    assert not load_pretrained(network, 'pretrained/absent.pth')
    # pytest may listen at the logger and at the root: the same record then arrives twice
    (record,) = {id(record): record for record in caplog.records}.values()
    assert 'pretrained/absent.pth not found' in record.getMessage()
    assert 'starts from random weights' in record.getMessage()


def test_load__missing_encoder_weights_come_with_the_command_that_gets_them(
    network, monkeypatch, caplog
):
    monkeypatch.setattr(logging.getLogger('mmseg'), 'propagate', True)
    assert not load_pretrained(network, 'pretrained/mit_b5.pth')
    message = caplog.records[0].getMessage()
    assert 'pretrained/mit_b5.pth not found' in message
    assert 'sh tools/download_checkpoints.sh --only mit_b5)' in message


def test_load__what_differs_is_named(network, tmp_path):
    state = weights_like(network)
    del state['1.bias']
    state['0.weight'] = torch.zeros(4, 2)
    state['extra'] = torch.zeros(1)
    torch.save(state, tmp_path / 'w.pth')
    with pytest.raises(UserError) as caught:
        load_pretrained(network, str(tmp_path / 'w.pth'))
    for part in ('1.bias is missing', 'extra is not part', '0.weight is (4, 2) where (3, 2)'):
        assert part in str(caught.value)


def test_load__at_most_ten_differences_are_listed(network, tmp_path):
    extra = {f'extra{i}': torch.zeros(1) for i in range(20)}
    torch.save({**weights_like(network), **extra}, tmp_path / 'w.pth')
    with pytest.raises(UserError, match='and 10 more') as caught:
        load_pretrained(network, str(tmp_path / 'w.pth'))
    assert str(caught.value).count(';') == 10


@pytest.mark.parametrize('content', [b'', b'no checkpoint at all'])
def test_load__broken_file_is_named(network, tmp_path, content):
    (tmp_path / 'w.pth').write_bytes(content)
    with pytest.raises(UserError, match=r'w\.pth cannot be read as a checkpoint'):
        load_pretrained(network, str(tmp_path / 'w.pth'))


def test_load__file_of_something_else_is_named(network, tmp_path):
    torch.save([1, 2], tmp_path / 'w.pth')
    with pytest.raises(UserError, match='holds a list, not weights by name'):
        load_pretrained(network, str(tmp_path / 'w.pth'))


def test_load__code_in_a_file_is_not_run(network, tmp_path):
    class Attack:
        def __reduce__(self):
            return (print, ('run',))

    torch.save({'state_dict': Attack()}, tmp_path / 'w.pth')
    with pytest.raises(UserError, match='cannot be read'):
        load_pretrained(network, str(tmp_path / 'w.pth'))


def test_load__an_address_is_fetched_once_and_kept(network, monkeypatch, tmp_path):
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path / 'hub'))
    state = weights_like(network)
    torch.save(state, tmp_path / 'w.pth')
    with file_server() as server:
        server.files['/w.pth'] = (tmp_path / 'w.pth').read_bytes()
        for _ in range(2):
            assert load_pretrained(network, server.url('/w.pth'))
        assert len(server.requests) == 1
        with pytest.raises(
            UserError, match=r'cannot be read as a checkpoint: .*/x\.pth answers 404'
        ):
            load_pretrained(network, server.url('/x.pth'))
    assert all(torch.equal(network.state_dict()[key], state[key]) for key in state)
    assert (tmp_path / 'hub/checkpoints/w.pth').is_file()
