"""HRDA: a large crop at a low resolution and a small one at a high resolution, as one network.

Hoyer et al. (ECCV 2022, sections 3.2 to 3.5).

Legend: B images of H×W, C classes, D channels of the embedding, s the scale of the context, o the
stride of the head, h_d×w_d the detail crop; q = o/s, the pixels of a cell of the context's maps.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmseg.core.windows import window_slices
from mmseg.models.builder import SEGMENTORS
from mmseg.models.decode_heads import BaseDecodeHead, Decoded
from mmseg.models.decode_heads.hrda_head import Fused, HRDAHead, fuse_scales
from mmseg.models.segmentors.base import ImgMetas
from mmseg.models.segmentors.encoder_decoder import (
    WAYS_OF_HEADS,
    WAYS_OF_NETWORKS,
    Detail,
    Embedded,
    EncoderDecoder,
)
from mmseg.models.segmentors.window_means import MeanOfWindows
from mmseg.ops import resize
from mmseg.ops.boxes import Box, draw_box
from mmseg.utils.errors import UserError

_Features = list[torch.Tensor]


@SEGMENTORS.register_module()
class HRDAEncoderDecoder(EncoderDecoder):
    """Segmentor that sees context and detail.

    In training a pass has one box, the place of its detail crop, for the whole batch; it is an
    argument and never kept. Without a box, as the teacher and tests see images, the detail covers
    the image in overlapping windows.

    Args:
        backbone: Config of the backbone, which both scales share.
        decode_head: Config of an `HRDAHead`.
        scales: Scale of the context and of the detail, which is 1; in any order.
        hr_crop_size: h_d and w_d in pixels.
        feature_scale: The scale whose features the feature distance compares: the context's, or
            'all' for both.
        crop_coord_divisible: Pixels between two places of the detail crop; cells of both scales
            have to fit, so it is raised where they don't.
        hr_slide_inference: Whether the detail covers an image in windows rather than in one piece.
        hr_slide_overlapping: Whether windows overlap by half.
        blur_hr_crop: Whether the detail is brought to the half size and back before it is cut.
        **kwargs: Further settings of `EncoderDecoder`.

    Raises:
        UserError: A setting is out of range, or the head is none for two scales.
    """

    decode_head: Any
    has_two_scales = True

    def __init__(
        self,
        backbone: Mapping[str, Any],
        decode_head: Mapping[str, Any],
        scales: Sequence[float] = (1, 0.5),
        hr_crop_size: Sequence[int] = (512, 512),
        feature_scale: float | str = 0.5,
        crop_coord_divisible: int = 1,
        hr_slide_inference: bool = True,
        hr_slide_overlapping: bool = True,
        blur_hr_crop: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(backbone, decode_head, **kwargs)
        if not isinstance(self.decode_head, HRDAHead):
            raise UserError(
                'HRDAEncoderDecoder needs a head for two scales: wrap it, decode_head='
                f"dict(type='HRDAHead', single_scale_head='{type(self.decode_head).__name__}', …)"
            )
        if self.with_auxiliary_head:
            raise UserError('HRDAEncoderDecoder has no auxiliary heads: leave auxiliary_head out')
        context, detail = sorted(scales) if len(scales) == 2 else (0, 0)
        if not (0 < context <= 1 and detail == 1):
            raise UserError(
                f'scales: expected the context, above 0, and the detail, 1, got {list(scales)}'
            )
        if feature_scale not in (context, 'all'):
            raise UserError(
                f"feature_scale: expected the context's, {context}, or 'all', got {feature_scale}"
            )
        self.scale = context
        self.hr_crop_size = (int(hr_crop_size[0]), int(hr_crop_size[1]))
        self.compares_details = feature_scale == 'all'
        self.crop_coord_divisible = crop_coord_divisible
        self.hr_slide_inference = hr_slide_inference
        self.hr_slide_overlapping = hr_slide_overlapping
        self.blur_hr_crop = blur_hr_crop

    def parts_with_ways(self) -> list[tuple[Any, type, Sequence[str]]]:
        """See the base class."""
        head = self.decode_head.head
        return [
            (self, HRDAEncoderDecoder, WAYS_OF_NETWORKS),
            (head, BaseDecodeHead, WAYS_OF_HEADS),
        ]

    def _embedding_head(self) -> tuple[nn.Module, str]:
        return self.decode_head.head, 'decode_head.single_scale_head'

    @cached_property
    def head_stride(self) -> int:
        """The head's stride o in pixels, told by a pass of one detail crop of zeros."""
        parameter = next(self.parameters())
        bands = self.num_bands or 3
        image = parameter.new_zeros(1, bands, *self.hr_crop_size)
        modes = {module: module.training for module in self.modules()}
        self.eval()
        with torch.no_grad():
            cells = self.decode_head(super().extract_feat(image)).shape[2]
        for module, mode in modes.items():
            module.training = mode
        return round(self.hr_crop_size[0] / cells)

    @property
    def cell(self) -> int:
        """Pixels that are whole cells of both scales: sides are multiples of it.

        It is q where that is a whole number, the least multiple of q that is one where it is not.
        """
        return self.head_stride * Fraction(self.scale).limit_denominator(64).denominator

    @property
    def size_divisor(self) -> int:  # type: ignore[override]
        """What the sides of tested images are padded to multiples of."""
        return self.cell

    def draw_crop(self, size: Sequence[int], generator: torch.Generator | None = None) -> Box:
        """Draw the box of a training pass; every place on the grid alike.

        Args:
            size: H and W.
            generator: What the draws come from; PyTorch's own where None.

        Raises:
            UserError: The detail crop is larger than the image, or its grid or the image does not
                fit the cells of the context.
        """
        cell = self.cell
        for side, crop in zip(size, self.hr_crop_size, strict=True):
            if crop > side:
                raise UserError(
                    f'hr_crop_size={self.hr_crop_size}: the detail crop is larger than the crop of '
                    f'{size[0]}×{size[1]} (height×width) that it is cut from'
                )
            for name, length in (('hr_crop_size', crop), ('crop_size', side)):
                if length % cell:
                    near = f'{length // cell * cell} or {-(-length // cell) * cell}'
                    raise UserError(
                        f"{name}: {length} pixels are no whole number of the context's cells of "
                        f'{cell}; take a multiple of {cell}, {near}'
                    )
        step = math.lcm(self.crop_coord_divisible, cell)
        return draw_box(size, self.hr_crop_size, step, generator)

    def extract_feat(self, img: torch.Tensor) -> _Features:
        """Extract the maps of the context from images (B, 3, H, W)."""
        return super().extract_feat(self._context(img))

    def extract_detail(self, img: torch.Tensor, box: Box) -> _Features:
        """Extract the maps of the detail in a box of images (B, 3, H, W)."""
        return super().extract_feat(self._detail(img, box))

    def encode_decode(self, img: torch.Tensor, img_metas: ImgMetas) -> torch.Tensor:
        """Turn images (B, 3, H, W) into logits (B, C, H, W), or into what shows the attention."""
        fused = self._whole(img)[0]
        maps = fused.logits
        if self.decode_head.debug_output_attention:
            attention = self.decode_head.upsample(fused.attention, maps.shape[2:])
            maps = (attention * maps.softmax(dim=1)).sum(dim=1, keepdim=True)
        return self.decode_head.upsample(maps, img.shape[2:])

    def forward_embedding(
        self, img: torch.Tensor, box: Box | None = None, keeps_detail: bool = False
    ) -> Embedded:
        """Pass images through once.

        Args:
            img: Images (B, 3, H, W).
            box: Where the detail is; everywhere, in windows, where None.
            keeps_detail: Whether `detail` is kept where it is everywhere.
        """
        return self.averaged_pass(img, True, box, keeps_detail)

    def run_pass(
        self,
        img: torch.Tensor,
        decode: bool = True,
        box: Box | None = None,
        keeps_detail: bool = False,
    ) -> Any:
        """Do what `forward_embedding` does, in this process alone; or extract features alone."""
        if not decode:
            return self.extract_feat(img)
        fused, context, features, detail = (
            self._whole(img, keeps_detail) if box is None else self._in_box(img, box)
        )
        logits = self.decode_head.upsample(fused.logits, img.shape[2:])
        branches = {'lr': fused.context}
        if detail is not None:
            branches['hr'] = detail.logits
        return Embedded(logits, context.embedding, features, branches, detail)

    def losses(
        self,
        embedded: Embedded,
        gt_semantic_seg: torch.Tensor,
        seg_weight: torch.Tensor | None = None,
    ) -> dict[str, torch.Tensor]:
        """Measure the losses of images passed through with a box; see the base class."""
        assert embedded.detail is not None
        decoded = Decoded(embedded.logits, None, embedded.branches)
        losses = self.decode_head.decoded_losses(
            decoded, gt_semantic_seg, seg_weight, embedded.detail.box
        )
        return {f'decode.{name}': value for name, value in losses.items()}

    def _in_box(
        self, img: torch.Tensor, box: Box
    ) -> tuple[Fused, Decoded, _Features, Detail | None]:
        """See the image small, and the box of it as it is."""
        features, detail_features = self._both_features(self._context(img), self._detail(img, box))
        context = self.decode_head.decoded(features)
        detail = self.decode_head.decoded(detail_features)
        attention = self.decode_head.attention(features, context.logits)
        stride = box.size[0] / detail.logits.shape[2]
        batch, classes = detail.logits.shape[:2]
        size = [round(side / stride) for side in img.shape[2:]]
        everywhere = detail.logits.new_zeros(batch, classes, *size)
        box.cells(stride).of(everywhere).copy_(detail.logits)
        fused = fuse_scales(context.logits, everywhere, attention, box.cells(stride / self.scale))
        found = Detail(box, detail.logits, detail.embedding, detail_features)
        return fused, context, features, found

    def _whole(
        self, img: torch.Tensor, keeps_detail: bool = False
    ) -> tuple[Fused, Decoded, _Features, Detail | None]:
        """See the image small, and all of it as it is, in windows."""
        features = self.extract_feat(img)
        context = self.decode_head.decoded(features)
        windows = [*self._windows(img.shape[2:])]
        logits, embedding = self._means_of_windows(img, windows, keeps_detail)
        attention = self.decode_head.attention(features, context.logits)
        found = None
        if keeps_detail:
            found = Detail(Box(0, img.shape[2], 0, img.shape[3]), logits, embedding, [])
        return fuse_scales(context.logits, logits, attention, None), context, features, found

    def _windows(self, size: Sequence[int]) -> Iterator[Box]:
        """Yield the windows of an image of H×W pixels, row by row."""
        if not self.hr_slide_inference:
            yield Box(0, size[0], 0, size[1])
            return
        stride = [side // 2 if self.hr_slide_overlapping else side for side in self.hr_crop_size]
        bands, tiles = window_slices(size, self.hr_crop_size, stride)
        for band in bands:
            for tile in tiles:
                yield Box(band.start, band.stop, tile.start, tile.stop)

    def _means_of_windows(
        self, img: torch.Tensor, windows: Sequence[Box], keeps_embedding: bool
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Decode windows, of all images at once, and average where they overlap.

        What holds batch statistics sees all windows as one batch, window by window as published.
        What holds none goes through a window at a time, and its maps are not kept.

        Args:
            img: Images (B, 3, H, W).
            windows: Of one size.
            keeps_embedding: Whether embeddings are averaged too.

        Returns:
            Logits (B, C, H/o, W/o), and embeddings (B, D, H/o, W/o) or None.
        """
        sharp = self._sharpness(img)
        chunks = [windows] if _mixes_images(self.backbone) else [[window] for window in windows]
        encoded: Iterator[tuple[Sequence[Box], _Features]] = (
            (chunk, super(HRDAEncoderDecoder, self).extract_feat(_cut(sharp, chunk)))
            for chunk in chunks
        )
        if _mixes_images(self.decode_head):
            every = [features for _, features in encoded]
            joined = [torch.cat(maps) for maps in zip(*every, strict=True)]
            encoded = iter([(windows, joined)])
        mean_logits, mean_embedding = MeanOfWindows(img), MeanOfWindows(img)
        for chunk, features in encoded:
            decoded = self.decode_head.decoded(features)
            mean_logits.add(chunk, decoded.logits)
            if keeps_embedding and decoded.embedding is not None:
                mean_embedding.add(chunk, decoded.embedding)
        logits = mean_logits.result()
        assert logits is not None
        return logits, mean_embedding.result()

    def _detail(self, img: torch.Tensor, box: Box) -> torch.Tensor:
        return box.of(self._sharpness(img))

    def _sharpness(self, img: torch.Tensor) -> torch.Tensor:
        """Return the image that the detail is cut from."""
        if not self.blur_hr_crop:
            return img
        half = [side // 2 for side in img.shape[2:]]
        small = resize(img, size=half, mode='bilinear', align_corners=False)
        return resize(small, size=img.shape[2:], mode='bilinear', align_corners=False)

    def _context(self, img: torch.Tensor) -> torch.Tensor:
        if self.scale == 1:
            return img
        size = [round(side * self.scale) for side in img.shape[2:]]
        return resize(img, size=size, mode='bilinear', align_corners=False)

    def _both_features(
        self, context: torch.Tensor, detail: torch.Tensor
    ) -> tuple[_Features, _Features]:
        """Extract the maps of both, as one batch where that changes nothing."""
        if context.shape != detail.shape or _mixes_images(self.backbone):
            return super().extract_feat(context), super().extract_feat(detail)
        pairs = [maps.chunk(2) for maps in super().extract_feat(torch.cat([context, detail]))]
        return [first for first, _ in pairs], [second for _, second in pairs]


def _mixes_images(module: nn.Module) -> bool:
    """Say whether the images of a batch act on one another, by batch statistics."""
    return any(isinstance(part, _BatchNorm) and part.training for part in module.modules())


def _cut(img: torch.Tensor, windows: Sequence[Box]) -> torch.Tensor:
    """Return the windows (W·B, 3, h_d, w_d) of images, window by window."""
    return torch.cat([window.of(img) for window in windows])
