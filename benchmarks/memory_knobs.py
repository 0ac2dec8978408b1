"""What each setting saves of the memory that a training step holds for its backward pass.

python benchmarks/memory_knobs.py

One forward pass of the student on source images: all that autograd keeps is summed up, each piece
of memory once. Shapes alone decide, so it runs on PyTorch's fake tensors: no GPU, no weights. The
optimizer, teacher and ImageNet network come on top; their sizes do not depend on these settings,
but for the encoder's.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from mmseg.apis.config import Config
from mmseg.core.settings import SpeedSettings
from mmseg.models import build_segmentor
from mmseg.speed import quicken

BASES = Path(__file__).resolve().parents[1] / 'configs' / '_base_' / 'models'


@dataclass(frozen=True)
class Setting:
    """A network and what it is fed.

    Attributes:
        model: File of _base_/models.
        num_images: Batch size.
        side: Height and width of the crop.
        amp: Whether it runs under autocast to bfloat16.
        with_cp: Whether the encoder computes activations again.
    """

    model: str = 'daformer_sepaspp_mitb5'
    num_images: int = 2
    side: int = 512
    amp: bool = False
    with_cp: bool = False


SETTINGS = {
    'as published': Setting(),
    'data.samples_per_gpu=1': Setting(num_images=1),
    'crops of 384×384': Setting(side=384),
    'MiT-B0 in place of MiT-B5': Setting(model='daformer_sepaspp_mitb0'),
    'amp=bf16': Setting(amp=True),
    'model.backbone.with_cp=True': Setting(with_cp=True),
    'both': Setting(amp=True, with_cp=True),
}


def kept_bytes(setting: Setting) -> int:
    """Return how many bytes autograd keeps after a forward pass."""
    cfg = Config.fromfile(BASES / f'{setting.model}.py', import_custom_modules=False).model
    cfg.pretrained = None
    cfg.backbone.with_cp = setting.with_cp
    side, kept = setting.side, {}
    with FakeTensorMode(), torch.autocast('cpu', torch.bfloat16, enabled=setting.amp):
        model = build_segmentor(cfg).train()
        quicken(model, torch.device('cpu'), SpeedSettings())
        img = torch.empty(setting.num_images, 3, side, side)
        labels = torch.empty(setting.num_images, 1, side, side, dtype=torch.long)
        own = {p.untyped_storage()._cdata for p in model.parameters()}

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
        size = kept_bytes(setting) / 2**30
        published = published or size
        print(f'{what:<28}{size:>8.2f} GiB{100 * size / published:>6.0f} %')


if __name__ == '__main__':
    main()
