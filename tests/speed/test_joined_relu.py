"""Maps are joined and rectified at once."""

import torch

from mmseg.speed.joined_relu import joined_relu


def test_joined_relu__is_relu_of_what_is_joined_with_its_gradients():
    torch.manual_seed(0)
    maps = [
        torch.randn(2, channels, 3, 4).to(memory_format=torch.channels_last).requires_grad_()
        for channels in (5, 2)
    ]
    weighting = torch.randn(2, 7, 3, 4)
    joined, expected = joined_relu(maps), torch.cat(maps, 1).relu()
    torch.testing.assert_close(joined, expected)
    ours = torch.autograd.grad(joined, maps, weighting)
    torch.testing.assert_close(ours, torch.autograd.grad(expected, maps, weighting))


def test_joined_relu__gives_each_map_a_gradient_of_its_own_memory():
    maps = [torch.randn(2, 5, 3, 4).to(memory_format=torch.channels_last) for _ in range(2)]
    maps = [part.requires_grad_() for part in maps]
    joined_relu(maps).square().sum().backward()
    assert all(part.grad.is_contiguous(memory_format=torch.channels_last) for part in maps)
