"""BatchNorm where a batch has one value a channel, of which there are no statistics."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


def normed(norm: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Apply a norm layer; BatchNorm takes its running statistics for a single value a channel.

    A mean over the whole of one image is such a value: in training, BatchNorm refuses a batch of
    one. SyncBN counts the values of all processes, and is left to itself.

    Args:
        norm: Any norm layer.
        x: Maps (B, C, h, w).

    Returns:
        Maps (B, C, h, w).

    >>> norm = nn.BatchNorm2d(2)  # in training: norm(mean) would refuse a value a channel
    >>> mean = torch.tensor([3.0, 5.0]).view(1, 2, 1, 1)
    >>> normed(norm, mean).detach().flatten().round()
    tensor([3., 5.])
    """
    if not isinstance(norm, _BatchNorm) or isinstance(norm, nn.SyncBatchNorm):
        return norm(x)
    if not norm.training or norm.running_mean is None or x.numel() > x.shape[1]:
        return norm(x)
    return F.batch_norm(
        x, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps
    )
