"""Bringing label maps to the size of a feature map."""

import torch


def downscale_label(
    label: torch.Tensor,
    factor: int,
    min_ratio: float,
    num_classes: int,
    ignore_index: int = 255,
) -> torch.Tensor:
    """Give each cell the label that most of its pixels share (DAFormer, section 3.3).

    Args:
        label: Class ids (B, 1, H, W) in [0, num_classes) or `ignore_index`.
        factor: Side of a cell in pixels; rows and columns that fill no cell are left out.
        min_ratio: Share of the cell's pixels in (0, 1] that must agree, else the cell is ignored.
        num_classes: C.
        ignore_index: Label of pixels without a class, and of cells without a majority.

    Returns:
        Class ids (B, 1, H // factor, W // factor).

    >>> label = torch.tensor([[0, 0, 1, 0], [0, 2, 1, 0]])[None, None]
    >>> downscale_label(label, factor=2, min_ratio=0.75, num_classes=3).tolist()
    [[[[0, 255]]]]
    """
    batch, _, height, width = label.shape
    rows, columns = height // factor, width // factor
    cells = label[:, 0, : rows * factor, : columns * factor].long()
    cells = cells.masked_fill(cells == ignore_index, num_classes)
    cells = cells.reshape(batch, rows, factor, columns, factor).transpose(2, 3).flatten(3)
    counts = cells.new_zeros(batch, rows, columns, num_classes + 1)
    counts.scatter_add_(3, cells, torch.ones_like(cells))
    most, majority = counts.max(dim=3)
    rejected = (majority == num_classes) | (most < min_ratio * factor**2)
    return majority.masked_fill(rejected, ignore_index)[:, None].to(label.dtype)
