"""The pyramid: its branches, and the one of the whole image."""

import pytest
import torch

from mmseg.models.decode_heads.aspp import ASPPModule, ASPPWrapper

LAYERS = {'norm_cfg': {'type': 'BN'}, 'act_cfg': {'type': 'ReLU'}}


@pytest.mark.parametrize('sep', [False, True])
@pytest.mark.parametrize('pool', [False, True])
def test_wrapper__keeps_the_size(sep, pool):
    aspp = ASPPWrapper(6, 4, sep, (1, 3, 5), pool, **LAYERS)
    assert aspp(torch.randn(3, 6, 7, 9)).shape == (3, 4, 7, 9)
    assert aspp.bottleneck.conv.in_channels == (4 if pool else 3) * 4


@pytest.mark.parametrize('sep', [False, True])
def test_module__branch_sees_as_far_as_its_dilation(sep):
    branches = ASPPModule((1, 2, 4), 3, 4, sep=sep)
    image = torch.randn(1, 3, 15, 15, requires_grad=True)
    for dilation, result in zip((0, 2, 4), branches(image), strict=True):
        (gradient,) = torch.autograd.grad(result[0, :, 7, 7].sum(), image, retain_graph=True)
        rows = gradient[0].abs().sum((0, 2)).nonzero().flatten().tolist()
        assert rows == sorted({7 - dilation, 7, 7 + dilation})


def test_wrapper__image_branch_is_first_and_constant():
    aspp = ASPPWrapper(6, 4, False, (1,), True, **LAYERS).eval()
    seen = []
    aspp.bottleneck.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    image = torch.randn(1, 6, 5, 8)
    aspp(image)
    pooled = aspp.image_pool(image)
    torch.testing.assert_close(seen[0][:, :4], pooled.expand(-1, -1, 5, 8))
