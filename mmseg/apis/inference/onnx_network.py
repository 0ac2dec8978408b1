"""A network in an ONNX file, asked as any other: whole images or windows, views, strips of rows.

It needs onnxruntime, of the extra 'onnx'.
"""

import importlib
import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import nn

from mmseg.core.windows import with_windows
from mmseg.models.segmentors.base import ImgMetas
from mmseg.models.segmentors.views import SegmentsViews
from mmseg.utils.errors import UserError, UserFileNotFoundError

_RUNTIME = 'onnxruntime'
# Encoders pad what is smaller, which a graph of open sizes cannot tell.
MIN_SIDE = 32


class OnnxSegmentor(SegmentsViews):
    """Segmentor whose logits an ONNX file of `tools/export_onnx.py` computes, on the CPU.

    Args:
        path: The file; class names, colours, sizes and how logits are resized are in its metadata.
        test_cfg: As for `EncoderDecoder`. A graph of one size is asked in windows of it.

    Raises:
        UserError: onnxruntime is missing or cannot read the file, or the file does not tell its
            classes.
    """

    def __init__(self, path: str | Path, test_cfg: Mapping[str, Any]) -> None:
        super().__init__()
        self._session = _session(Path(path))
        told = _metadata(self._session)
        if 'classes' not in told:
            raise UserError(f'{path} does not tell its classes: export it by tools/export_onnx.py')
        self.CLASSES, self.PALETTE = told['classes'], told.get('palette')
        self.num_classes = len(told['classes'])
        self.align_corners = told.get('align_corners', False)
        self.size_divisor = told.get('size_divisor', 1)
        self._only: tuple[int, int] | None = None
        if told.get('fixed_size'):
            self._only = (told['fixed_size'][0], told['fixed_size'][1])
            test_cfg = with_windows({**test_cfg, 'mode': 'slide', 'crop_size': self._only}, None)
        self.test_cfg = test_cfg
        self.place = nn.Parameter(torch.empty(0), requires_grad=False)  # says where images go

    def fitting_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Tell to which height and width tested images and windows of `size` are padded."""
        if self._only is not None:
            return self._only
        return super().fitting_size((max(size[0], MIN_SIDE), max(size[1], MIN_SIDE)))

    def encode_decode(self, img: torch.Tensor, img_metas: ImgMetas) -> torch.Tensor:
        """Turn images (B, 3, H, W) into logits (B, C, H, W)."""
        (logits,) = self._session.run(None, {'image': img.float().cpu().numpy()})
        return torch.from_numpy(logits).to(img.device)

    def extract_feat(self, img: torch.Tensor) -> NoReturn:
        """Refuse: a graph tells logits alone."""
        raise UserError('a network in an ONNX file tells logits alone, no features')

    def forward_train(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse: a graph does not learn."""
        raise UserError('a network in an ONNX file does not learn: train the network it is from')


def _session(path: Path) -> Any:
    if importlib.util.find_spec(_RUNTIME) is None:
        raise UserError(
            f'{_RUNTIME}, which runs {path}, is missing; run: pip install -r requirements.txt'
        )
    if not path.is_file():
        raise UserFileNotFoundError(f'no network at {path}')
    runtime = importlib.import_module(_RUNTIME)
    try:
        return runtime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    except Exception as error:  # onnxruntime has an error of its own for each of its codes
        raise UserError(f'{path} is no ONNX file that {_RUNTIME} reads: {error}') from error


def _metadata(session: Any) -> dict[str, Any]:
    told = session.get_modelmeta().custom_metadata_map
    try:
        return {key: json.loads(value) for key, value in told.items()}
    except ValueError:  # written by another exporter
        return {}
