import copy

import pytest
import torch
from torch._dynamo.utils import counters

from mmseg.models import build_segmentor
from mmseg.models.backbones.mit_layers import Block
from mmseg.speed.compiling import compile_block, compile_networks, has_compiler
from mmseg.utils.errors import UserError
from tests.models.networks import small_architecture


def network(name):
    torch.manual_seed(0)
    settings = small_architecture(name)
    if 'mit' in settings.backbone.type:
        settings.backbone.drop_path_rate = 0.0
    settings.decode_head.dropout_ratio = 0.0
    segmentor = build_segmentor(settings)
    segmentor.init_weights()
    return segmentor.train()


def losses_and_gradient(segmentor):
    generator = torch.Generator().manual_seed(1)
    image = torch.randn(2, 3, 64, 96, generator=generator)
    labels = torch.randint(0, 5, (2, 1, 64, 96), generator=generator)
    losses = segmentor.forward_train(image, [], labels)
    losses['decode.loss_seg'].backward()
    return losses['decode.loss_seg'].detach(), segmentor.backbone


@pytest.mark.parametrize('name', ['daformer_sepaspp_mitb5', 'segformer_b5', 'deeplabv3plus_r50-d8'])
def test_compile_networks__loss_gradients_and_state_dict_stay(name):
    plain = network(name)
    compiled = copy.deepcopy(plain)
    assert compile_networks(compiled, backend='eager') > 4
    assert compiled.state_dict().keys() == plain.state_dict().keys()
    (loss, backbone), (expected, reference) = map(losses_and_gradient, (compiled, plain))
    torch.testing.assert_close(loss, expected)
    for ours, theirs in zip(backbone.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)


@pytest.fixture
def traces():
    """What the compiler counts from here on."""
    torch._dynamo.reset()
    counters.clear()
    yield counters
    torch._dynamo.reset()


@pytest.mark.parametrize('name', ['daformer_sepaspp_mitb5', 'segformer_b5', 'deeplabv3plus_r50-d8'])
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_compile_networks__regions_are_traced_without_a_break(name, dtype, traces):
    segmentor = network(name)
    compile_networks(segmentor, backend='eager')
    # Traced on CPU tensors: without a GPU the tracer takes no others. The code is that of a GPU,
    # since nothing is laid over networks that are compiled.
    with torch.autocast('cpu', torch.bfloat16, enabled=dtype == torch.bfloat16):
        losses_and_gradient(segmentor)
        with torch.no_grad():
            segmentor.eval().forward_embedding(torch.randn(2, 3, 64, 96))
    assert traces['stats']['unique_graphs'] > 4
    assert not traces['graph_break']


def test_compile_block__a_break_would_be_counted(traces):
    block = Block(8, 1, 4, True, None, 0.0, 0.0, 0.0, 2)
    block.attn.proj_drop.forward = lambda x: x * float(x.sum() > 0)
    compile_block(block, backend='eager', dynamic=False)
    block(torch.randn(2, 16, 8), 4, 4)
    assert traces['graph_break']


def test_block__blocks_of_one_stage_share_their_code():
    graphs = []

    def backend(graph, _):
        graphs.append(graph)
        return graph

    for ratio in (0.1, 0.2, 0.3):
        block = Block(8, 1, 4, True, None, 0.0, 0.0, ratio, 2).train()
        compile_block(block, backend=backend, dynamic=False)
        block(torch.randn(2, 16, 8), 4, 4)
    assert len(graphs) == 2, 'one for attention and one for the feed-forward layers'


@pytest.mark.smoke
@pytest.mark.skipif(not has_compiler(), reason='needs a C++ compiler')
def test_block__compiled_to_machine_code_it_gives_the_same():
    torch.manual_seed(0)
    plain = Block(8, 1, 4, True, None, 0.0, 0.0, 0.0, 2)
    compiled = copy.deepcopy(plain)
    compile_block(compiled, dynamic=False)
    tokens = torch.randn(2, 16, 8)
    with torch.no_grad():
        torch.testing.assert_close(compiled(tokens, 4, 4), plain(tokens, 4, 4))


def test_compile_networks__says_what_is_missing(monkeypatch):
    monkeypatch.setattr('mmseg.speed.compiling.has_compiler', lambda: False)
    with pytest.raises(UserError, match=r'compile=True needs a C\+\+ compiler'):
        compile_networks(torch.nn.Identity())
