"""Normalising batches of byte images, as the pipeline step `Normalize` does single ones."""

import torch


def normalize(
    images: torch.Tensor, mean: torch.Tensor, std: torch.Tensor, flip_channels: bool
) -> torch.Tensor:
    """Subtract channel means and divide by standard deviations, in float32.

    Args:
        images: (B, 3, H, W), uint8.
        mean: Channel means (3,) in the order of the result, of values in [0, 255].
        std: Channel standard deviations (3,), likewise.
        flip_channels: Whether to turn BGR into RGB, or the other way round, first.

    Returns:
        (B, 3, H, W) float32.

    >>> image = torch.tensor([10, 20, 30], dtype=torch.uint8).view(1, 3, 1, 1)
    >>> mean, std = torch.full((3,), 20.0), torch.full((3,), 10.0)
    >>> normalize(image, mean, std, flip_channels=True).flatten()
    tensor([ 1.,  0., -1.])
    """
    images = images.flip(1) if flip_channels else images
    return images.float().sub_(mean[:, None, None]).div_(std[:, None, None])
