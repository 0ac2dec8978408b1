"""Testing by all processes together."""

import torch
from torch import nn

from mmseg.utils.distributed import sum_over_processes

from .loader import DeviceLoader
from .test import predict


def multi_gpu_test(
    model: nn.Module, data_loader: DeviceLoader, description: str = 'testing'
) -> list[torch.Tensor]:
    """Test a model on a dataset, every process on its share; the name is mmsegmentation's.

    Args:
        model: Segmentor.
        data_loader: This process's share from `build_test_loader`, with labels.
        description: What the progress bar says.

    Returns:
        On every process, for each image of the whole dataset the confusion matrix that
        `dataset.evaluate` adds up: whole numbers, so that the scores are those of a single process
        to the bit.
    """
    dataset = data_loader.dataset
    side = len(dataset.CLASSES) + 1
    counts = torch.zeros(len(dataset), side, side, dtype=torch.int32)
    for prediction in predict(model, data_loader, description, with_maps=False):
        counts[prediction.index] = prediction.confusion
    return list(sum_over_processes(counts.to(data_loader.device)).cpu())
