"""What every segmentor keeps: it builds, takes any size, and learns with all its parameters."""

import pytest
import torch

from mmseg.models import build_segmentor
from tests.models.networks import DECODERS, small_config


@pytest.fixture(params=DECODERS)
def decoder(request):
    return request.param


def build(decoder, **settings):
    torch.manual_seed(0)
    network = build_segmentor(small_config(decoder, **settings))
    network.init_weights()
    return network


@pytest.mark.parametrize('num_classes', [2, 5])
@pytest.mark.parametrize('size', [(64, 96), (70, 45)])
def test_forward__logits_have_the_size_of_the_image(decoder, num_classes, size):
    network = build(decoder, num_classes=num_classes).eval()
    with torch.no_grad():
        passed = network.forward_embedding(torch.randn(1, 3, *size))
    height, width = ((side + 3) // 4 for side in size)
    assert passed.logits.shape == (1, num_classes, *size)
    assert passed.embedding.shape == (1, 8, height, width)
    assert [f.shape[1] for f in passed.features] == [32, 64, 160, 256]


@pytest.mark.parametrize('batch', [1, 3])
def test_backward__reaches_every_parameter(decoder, batch):
    network = build(decoder)
    # drop path may by chance drop a whole branch
    network.backbone.eval()
    labels = torch.randint(0, 5, (batch, 1, 64, 96))
    losses = network.forward_train(torch.randn(batch, 3, 64, 96), [{}] * batch, labels)
    losses['decode.loss_seg'].backward()
    idle = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    # softmax ignores what is the same for all keys
    assert not [name for name in idle if not name.endswith('kv.bias')]


def test_batch__images_do_not_mix(decoder):
    network = build(decoder).eval()
    images = torch.randn(3, 3, 64, 96)
    with torch.no_grad():
        together = network.encode_decode(images, [])
        alone = torch.cat([network.encode_decode(image[None], []) for image in images])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)


def test_forward__runs_under_autocast(decoder):
    network = build(decoder)
    labels = torch.randint(0, 5, (2, 1, 64, 96))
    with torch.autocast('cpu', torch.bfloat16):
        losses = network.forward_train(torch.randn(2, 3, 64, 96), [{}] * 2, labels)
    losses['decode.loss_seg'].backward()
    assert losses['decode.loss_seg'].isfinite()


def test_forward__is_one_graph_for_the_compiler(decoder):
    network = build(decoder).eval()
    images = torch.randn(1, 3, 64, 96)
    compiled = torch.compile(network.forward_dummy, backend='eager', fullgraph=True)
    with torch.no_grad():
        torch.testing.assert_close(compiled(images), network.forward_dummy(images))
