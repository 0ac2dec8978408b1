"""What each setting saves of the memory that a training step holds for its backward pass.

python benchmarks/memory_knobs.py

One forward pass of the student on source images: all that autograd keeps is summed up, each piece
of memory once. Shapes alone decide, so it runs on PyTorch's meta device: no GPU, no weights. The
optimizer, teacher and ImageNet network come on top; their sizes do not depend on these settings,
but for the encoder's.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch

from mmseg.apis.config import Config
from mmseg.models import build_segmentor

BASES = Path(__file__).resolve().parents[1] / 'configs' / '_base_' / 'models'
# What is changed -> model, images, side of the crop.
SETTINGS = {
    'as published': ('daformer_sepaspp_mitb5', 2, 512),
    'data.samples_per_gpu=1': ('daformer_sepaspp_mitb5', 1, 512),
    'crops of 384×384': ('daformer_sepaspp_mitb5', 2, 384),
    'MiT-B0 in place of MiT-B5': ('daformer_sepaspp_mitb0', 2, 512),
}


def kept_bytes(name: str, num_images: int, side: int) -> int:
    """Return how many bytes autograd keeps after a forward pass.

    Args:
        name: File of _base_/models.
        num_images: Batch size.
        side: Height and width of the crop.
    """
    cfg = Config.fromfile(BASES / f'{name}.py').model
    with torch.device('meta'):
        model = build_segmentor({**cfg, 'pretrained': None}).train()
        img = torch.empty(num_images, 3, side, side)
        labels = torch.empty(num_images, 1, side, side, dtype=torch.long)
    own = {p.untyped_storage()._cdata for p in model.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in own:
            kept[storage._cdata] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        losses = model.losses(model.forward_embedding(img), labels)
    assert losses  # what is kept lives as long as they do
    return sum(kept.values())


def main() -> None:
    """Print a line for each setting."""
    published = None
    for what, setting in SETTINGS.items():
        size = kept_bytes(*setting) / 2**30
        published = published or size
        print(f'{what:<28}{size:>8.2f} GiB{100 * size / published:>6.0f} %')


if __name__ == '__main__':
    main()
