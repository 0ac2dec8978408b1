import pytest
import torch
from torch import nn

from mmseg.ops import normed


@pytest.mark.parametrize('kind', [nn.BatchNorm2d, nn.SyncBatchNorm])
@pytest.mark.parametrize('shape', [(2, 3, 1, 1), (1, 3, 1, 2), (3, 3, 4, 5)])
def test_normed__several_values_a_channel_are_left_to_the_layer(kind, shape):
    norm, plain = kind(3), nn.BatchNorm2d(3)
    if kind is nn.SyncBatchNorm:
        norm.eval()
        plain.eval()
    x = torch.rand(shape)
    torch.testing.assert_close(normed(norm, x), plain(x))
    assert torch.equal(norm.running_mean, plain.running_mean)


@pytest.mark.parametrize('channels', [1, 3, 8])
def test_normed__a_single_value_takes_the_running_statistics_and_leaves_them(channels):
    norm = nn.BatchNorm2d(channels, eps=0.5)
    norm.running_mean.fill_(2.0)
    norm.running_var.fill_(3.5)
    nn.init.constant_(norm.weight, 4.0)
    x = torch.rand(1, channels, 1, 1, requires_grad=True)
    result = normed(norm, x)
    torch.testing.assert_close(result, 4 * (x - 2) / 2)  # sqrt(3.5 + 0.5) = 2
    result.sum().backward()
    torch.testing.assert_close(x.grad, torch.full_like(x, 2.0))
    assert norm.running_mean.tolist() == [2.0] * channels and norm.num_batches_tracked == 0


@pytest.mark.parametrize('norm', [nn.GroupNorm(1, 4), nn.Identity()])
def test_normed__other_layers_do_what_they_do(norm):
    x = torch.rand(1, 4, 1, 1)
    assert torch.equal(normed(norm, x), norm(x))
