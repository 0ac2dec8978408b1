"""HRDA as its section 3 reads: every window's maps are kept, each laid onto a map of the image."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F

from mmseg.models.segmentors import EncoderDecoder, HRDAEncoderDecoder
from mmseg.models.segmentors.window_means import cells_of_map
from mmseg.ops.boxes import Box


class NaiveHRDA(HRDAEncoderDecoder):
    """Sees context and detail one after the other, and all windows of an image as one batch."""

    def _both_features(self, context: torch.Tensor, detail: torch.Tensor) -> Any:
        one_by_one = (EncoderDecoder.extract_feat(self, scale) for scale in (context, detail))
        return tuple(one_by_one)

    def _means_of_windows(
        self, img: torch.Tensor, windows: Sequence[Box], keeps_embedding: bool
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        sharp = self._sharpness(img)
        crops = torch.cat([window.of(sharp) for window in windows])
        decoded = self.decode_head.decoded(EncoderDecoder.extract_feat(self, crops))
        logits = _mean_of_padded(decoded.logits, windows, img)
        if not keeps_embedding or decoded.embedding is None:
            return logits, None
        return logits, _mean_of_padded(decoded.embedding, windows, img)


def _mean_of_padded(maps: torch.Tensor, windows: Sequence[Box], img: torch.Tensor) -> torch.Tensor:
    stride = windows[0].size[0] / maps.shape[2]
    height, width = (-(-side // round(stride)) for side in img.shape[2:])
    padded, counts = [], []
    for window, part in zip(windows, maps.chunk(len(windows)), strict=True):
        cells = cells_of_map(window, stride, part)
        around = (cells.x1, width - cells.x2, cells.y1, height - cells.y2)
        padded.append(F.pad(part, around))
        counts.append(F.pad(torch.ones_like(part), around))
    return torch.stack(padded).sum(0) / torch.stack(counts).sum(0)
