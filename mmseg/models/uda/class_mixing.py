"""ClassMix: source objects pasted onto target images (Olsson et al., WACV 2021)."""

import torch

from mmseg.ops import to_device
from mmseg.utils.distributed import any_over_processes, own_part, world_size

NUM_LABEL_VALUES = 256


def choose_classes(labels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Draw, for each image, half of the classes in the batch of all processes, rounded up.

    The ignore label counts as a class, as in the published code. Nothing here waits for the device.

    Args:
        labels: Source labels (B, 1, H, W) in [0, 256).
        generator: CPU generator that the draw comes from, in one state on all processes.

    Returns:
        Choice (B, 256) bool, one row an image.

    >>> labels = torch.tensor([[[[0, 4, 9, 9]]]])
    >>> chosen = choose_classes(labels, torch.Generator().manual_seed(0))
    >>> chosen.shape, int(chosen.sum()), int(chosen[0, [0, 4, 9]].sum())
    (torch.Size([1, 256]), 2, 2)
    """
    num_images = len(labels) * world_size()
    priority = own_part(torch.rand(num_images, NUM_LABEL_VALUES, generator=generator))
    priority = to_device(priority, labels.device)
    present = torch.zeros(NUM_LABEL_VALUES, dtype=torch.bool, device=labels.device)
    present[labels.flatten().long()] = True
    present = any_over_processes(present)
    rank = priority.masked_fill(~present, -1).argsort(dim=1, descending=True).argsort(dim=1)
    return (rank < (present.sum() + 1) // 2) & present


def class_mask(labels: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    """Mark the pixels of the chosen classes.

    Args:
        labels: Source labels (B, 1, H, W) in [0, 256).
        chosen: Choice (B, 256) bool.

    Returns:
        Mask (B, 1, H, W) bool, true where the source is to be pasted.

    >>> labels = torch.tensor([[[[0, 4, 9, 9]]]])
    >>> class_mask(labels, torch.arange(256)[None] == 9).int().tolist()
    [[[[0, 0, 1, 1]]]]
    """
    return chosen.gather(1, labels.flatten(1).long()).reshape(labels.shape)


def mix(mask: torch.Tensor, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Paste the source onto the target where the mask is 1.

    Args:
        mask: (B, 1, H, W), bool or 0/1.
        source: Images, labels or weights (B, K, H, W).
        target: The same for the target, (B, K, H, W).

    Returns:
        Mixed images, labels or weights (B, K, H, W), in the source's type.

    >>> mask = torch.tensor([[[[True, False, True]]]])
    >>> mix(mask, source=torch.full((1, 1, 1, 3), 7), target=torch.zeros(1, 1, 1, 3)).tolist()
    [[[[7, 0, 7]]]]
    """
    return torch.where(mask.bool(), source, target.to(source.dtype))
