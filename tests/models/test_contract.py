"""What every segmentor keeps: it builds, takes any size, and learns with all its parameters."""

import pytest
import torch
from mmcv.cnn import Scale
from torch import nn

from mmseg.models import build_segmentor
from mmseg.utils.errors import UserError
from tests.models.networks import ARCHITECTURES, TWO_SCALES, small_architecture

# the finest map that a head on dilated ResNets reads is of stride 4 or 8
STRIDE_8 = ('danet', 'deeplabv2', 'isanet', 'fcn', 'psp', 'aspp')
NO_EMBEDDING = ('deeplabv2', 'hrda1-512-0.1_dlv2')


@pytest.fixture(params=(*ARCHITECTURES, *TWO_SCALES))
def name(request):
    return request.param


def build(name, **settings):
    torch.manual_seed(0)
    network = build_segmentor(small_architecture(name, **settings))
    network.init_weights()
    for module in network.modules():
        if isinstance(module, Scale):
            # attention that is scaled by zero gives its layers no gradient
            nn.init.constant_(module.scale, 0.5)
    return network


def embedding_of(network, name, image):
    """Return the embedding, and check that it is there exactly where the head says so."""
    embedding = network.forward_embedding(image).embedding
    assert (embedding is None) == name.startswith(NO_EMBEDDING)
    assert (embedding is None) == (network.decode_head.embed_channels is None)
    return embedding


@pytest.mark.parametrize('num_classes', [2, 5])
@pytest.mark.parametrize('size', [(64, 96), (70, 45)])
def test_forward__logits_have_the_size_of_the_image(name, num_classes, size):
    network = build(name, num_classes=num_classes).eval()
    divisor = network.size_divisor
    size = tuple(-(-side // divisor) * divisor for side in size)
    image = torch.randn(1, 3, *size)
    with torch.no_grad():
        passed = network.forward_embedding(image)
        embedding = embedding_of(network, name, image)
    assert passed.logits.shape == (1, num_classes, *size)
    assert len(passed.features) == 4
    if embedding is not None:
        stride = 8 if name.startswith((*STRIDE_8, *TWO_SCALES)) else 4
        assert embedding.shape == (1, 8, *(-(-side // stride) for side in size))


def test_forward__is_the_classifier_after_the_embedding(name):
    network = build(name).eval()
    features = network.extract_feat(torch.randn(1, 3, 64, 96))
    head = network.decode_head.head if name in TWO_SCALES else network.decode_head
    if head.embed_channels is None:
        with pytest.raises(UserError, match='has no embedding'):
            head.embed(features)
    else:
        assert torch.equal(head(features), head.cls_seg(head.embed(features)))


@pytest.mark.parametrize('batch', [1, 3])
def test_backward__reaches_every_parameter(name, batch):
    network = build(name)
    # drop path may by chance drop a whole branch
    network.backbone.eval()
    if batch == 1:
        # BatchNorm has no statistics of one pooled pixel
        network.eval()
    labels = torch.randint(0, 5, (batch, 1, 64, 96))
    losses = network.forward_train(torch.randn(batch, 3, 64, 96), [{}] * batch, labels)
    sum(value for key, value in losses.items() if 'loss' in key).backward()
    idle = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    # softmax ignores what is the same for all keys
    idle = [n for n in idle if not n.endswith(('kv.bias', 'pam.key_project.bias'))]
    # released SegFormer checkpoints hold a classifier that is not used
    unused = ('decode_head.conv_seg.weight', 'decode_head.conv_seg.bias')
    assert idle == (list(unused) if name.startswith('segformer') else [])


def test_batch__images_do_not_mix(name):
    network = build(name).eval()
    images = torch.randn(3, 3, 64, 96)
    with torch.no_grad():
        together = network.encode_decode(images, [])
        alone = torch.cat([network.encode_decode(image[None], []) for image in images])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)


def test_forward__runs_under_autocast(name):
    network = build(name)
    labels = torch.randint(0, 5, (2, 1, 64, 96))
    with torch.autocast('cpu', torch.bfloat16):
        losses = network.forward_train(torch.randn(2, 3, 64, 96), [{}] * 2, labels)
    loss = sum(value for name, value in losses.items() if 'loss' in name)
    loss.backward()
    assert loss.isfinite()


def test_forward__is_one_graph_for_the_compiler(name):
    network = build(name).eval()
    images = torch.randn(1, 3, 64, 96)
    # the compiler counts how often it has seen the method, in whatever class
    torch.compiler.reset()
    compiled = torch.compile(network.forward_dummy, backend='eager', fullgraph=True)
    with torch.no_grad():
        torch.testing.assert_close(compiled(images), network.forward_dummy(images))
