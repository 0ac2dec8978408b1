"""How a segmentor tests: views of an image, whole or in windows, become label maps.

Legend: B images of H×W, A views, C classes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from mmcv import ConfigDict

from mmseg.core.picture_box import picture_box
from mmseg.core.windows import window_slices
from mmseg.models.segmentors.base import BaseSegmentor, ImgMetas
from mmseg.models.segmentors.decision import Decision, decide, strips_of_probabilities
from mmseg.models.segmentors.testing_settings import check_test_cfg
from mmseg.models.segmentors.view_rows import (
    SlideRows,
    ViewRows,
    WholeRows,
    unflipped,
    without_padding,
)
from mmseg.ops import resize
from mmseg.ops.upsampled_classes import strips_of
from mmseg.utils.errors import UserAssertionError
from mmseg.utils.overrides import has_own

# What subclasses written for mmsegmentation override: how probabilities come about, ...
_INFERENCES = ('inference', 'slide_inference', 'whole_inference')
# ... and how label maps do.
_TESTS = ('forward', 'forward_test', 'simple_test', 'aug_test')
# Whether a view goes through in windows, by facts about its images, height and width.
Slides = Callable[[ImgMetas, Sequence[int]], bool]


class SegmentsViews(BaseSegmentor):
    """The part of a segmentor that tests, from `encode_decode` on."""

    num_classes: int
    align_corners: bool
    # Sides of images that the network takes are multiples of so many pixels.
    size_divisor: int = 1

    @property
    def test_cfg(self) -> ConfigDict:
        """Settings of testing, as the argument of that name."""
        return self._test_cfg

    @test_cfg.setter
    def test_cfg(self, settings: Mapping[str, Any]) -> None:
        self._test_cfg = ConfigDict(check_test_cfg(settings))

    def fitting_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Tell to which height and width tested images and windows of `size` are padded.

        Args:
            size: Height and width in pixels.

        Returns:
            The next multiples of `size_divisor`; the same size where that is 1.
        """
        height, width = (side + -side % self.size_divisor for side in size)
        return height, width

    def whole_inference(self, img: torch.Tensor, img_meta: ImgMetas, rescale: bool) -> torch.Tensor:
        """Segment images (B, 3, H, W) in one piece; see `inference` for the arguments.

        Returns:
            Logits (B, C, H', W').
        """
        return self._rescale(self._encode_fitting(img, img_meta), img_meta, rescale)

    def slide_inference(self, img: torch.Tensor, img_meta: ImgMetas, rescale: bool) -> torch.Tensor:
        """Segment images (B, 3, H, W) in overlapping windows, whose logits are averaged.

        Args:
            img: Normalised images.
            img_meta: See `inference`.
            rescale: See `inference`.

        Returns:
            Logits (B, C, H', W').
        """
        rows = self._slide_rows(img, img_meta, [{}]).rows(slice(0, img.shape[2]))
        return self._rescale(rows, img_meta, rescale)

    def inference(self, img: torch.Tensor, img_meta: ImgMetas, rescale: bool) -> torch.Tensor:
        """Segment images as `test_cfg` says.

        Args:
            img: Normalised images (B, 3, H, W).
            img_meta: Facts about each image: `ori_shape` (the same for all), `flip` and
                `flip_direction`, and where padding lies (see `picture_box`).
            rescale: Whether the result has the size `ori_shape`, padding cut off, rather than that
                of `img`.

        Returns:
            Probabilities (B, C, H', W'), flipped back where the images were flipped.
        """
        is_slide = check_test_cfg(self.test_cfg)['mode'] == 'slide'
        infer = self.slide_inference if is_slide else self.whole_inference
        logits = infer(img, img_meta, rescale)
        # Padding is cut off before: what is left is flipped about its own middle.
        return unflipped(logits, img_meta).softmax(dim=1)

    def predict_labels(
        self, imgs: Sequence[torch.Tensor], img_metas: Sequence[ImgMetas], rescale: bool = True
    ) -> torch.Tensor:
        """Predict label maps, and leave them on the device; see `decide`.

        Returns:
            Classes (B, H', W'): the likeliest by the mean probability of all views.
        """
        if has_own(self, SegmentsViews, *_TESTS):
            return super().predict_labels(imgs, img_metas, rescale)
        return self.decide(imgs, img_metas, rescale).labels

    def simple_test(
        self, img: torch.Tensor, img_meta: ImgMetas, rescale: bool = True
    ) -> list[np.ndarray]:
        """Predict the label map (H, W) of each image; see `predict_labels` for the arguments."""
        return list(self._decide([img], [img_meta], rescale).labels.cpu().long().numpy())

    def aug_test(
        self, imgs: Sequence[torch.Tensor], img_metas: Sequence[ImgMetas], rescale: bool = True
    ) -> list[np.ndarray]:
        """Predict the label map (H, W) of each image; see `predict_labels` for the arguments.

        Raises:
            UserError: `rescale` is False: views of several scales only meet at the original size.
        """
        if not rescale:
            raise UserAssertionError('views of several scales can only be joined with rescale=True')
        return list(self._decide(imgs, img_metas).labels.cpu().long().numpy())

    def decide(
        self,
        imgs: Sequence[torch.Tensor],
        img_metas: Sequence[ImgMetas],
        rescale: bool = True,
        with_confidence: bool = False,
        slide: Slides | None = None,
    ) -> Decision:
        """Take each pixel's likeliest class by the mean probability of views, in strips of rows.

        Args:
            imgs: Views (A), each (B, 3, H, W), of any scale, padded and flipped or not.
            img_metas: For each view, facts about its images; see `inference`.
            rescale: Whether the result has the size `ori_shape` rather than that of the images.
            with_confidence: Whether the probability of the class is wanted too.
            slide: Whether a view goes through in windows, by its facts and its height and width;
                None for what `test_cfg.mode` says.

        Returns:
            Classes (B, H', W') and their probabilities, on the device.
        """
        if has_own(self, SegmentsViews, *_TESTS):
            labels = self.predict_labels(imgs, img_metas, rescale)
            if not with_confidence:
                return Decision(labels, None)
            probs = self._mean_probabilities(imgs, img_metas, rescale)
            return Decision(labels, probs.gather(1, labels.long()[:, None]).squeeze(1))
        return self._decide(imgs, img_metas, rescale, with_confidence, slide)

    def probability_strips(
        self,
        imgs: Sequence[torch.Tensor],
        img_metas: Sequence[ImgMetas],
        slide: Slides | None = None,
    ) -> Iterator[tuple[slice, torch.Tensor]]:
        """Yield mean probabilities of all views at the original size, in strips of rows.

        The strips depend on the images and the number of classes alone: those of two networks with
        the same classes go together. See `decide` for the arguments.

        Yields:
            Rows, and their probabilities (B, C, n, W'), from top to bottom.
        """
        size = _original_size(img_metas[0])
        num_maps = len(imgs[0]) * self.num_classes
        if has_own(self, SegmentsViews, *_INFERENCES):
            probs = self._mean_probabilities(imgs, img_metas, True)
            yield from ((lines, probs[:, :, lines]) for lines in strips_of(size, num_maps))
            return
        views = [
            partial(self._view_rows, img, metas, slide)
            for img, metas in zip(imgs, img_metas, strict=True)
        ]
        yield from strips_of_probabilities(views, size, num_maps, self.align_corners)

    def _decide(
        self,
        imgs: Sequence[torch.Tensor],
        img_metas: Sequence[ImgMetas],
        rescale: bool = True,
        with_confidence: bool = False,
        slide: Slides | None = None,
    ) -> Decision:
        """Do what `decide` does, by `inference` where a subclass changes it."""
        if has_own(self, SegmentsViews, *_INFERENCES):
            most, labels = self._mean_probabilities(imgs, img_metas, rescale).max(dim=1)
            return Decision(labels, most if with_confidence else None)
        size = _original_size(img_metas[0]) if rescale else tuple(imgs[0].shape[2:])
        areas = [img.shape[2] * img.shape[3] for img in imgs]
        return decide(
            [
                partial(self._view_rows, img, metas if rescale else without_padding(metas), slide)
                for img, metas in zip(imgs, img_metas, strict=True)
            ],
            (len(imgs[0]), *size),
            self.num_classes,
            self.align_corners,
            with_confidence,
            # the memory of logits of all views, against that of one view and of sums
            is_one_by_one=sum(areas) > max(areas) + size[0] * size[1],
        )

    def _mean_probabilities(
        self, imgs: Sequence[torch.Tensor], img_metas: Sequence[ImgMetas], rescale: bool
    ) -> torch.Tensor:
        """Average the probabilities (B, C, H', W') of all views, each from `inference`."""
        views = [self.inference(*view, rescale) for view in zip(imgs, img_metas, strict=True)]
        return sum(views[1:], views[0]) / len(views)

    def _view_rows(
        self,
        img: torch.Tensor,
        img_meta: ImgMetas,
        slide: Slides | None,
    ) -> ViewRows:
        """Open a view (B, 3, H, W): its logits, row by row."""
        by_mode = check_test_cfg(self.test_cfg)['mode'] == 'slide'
        if by_mode if slide is None else slide(img_meta, img.shape[2:]):
            return self._slide_rows(img, img_meta, img_meta)
        return WholeRows(self.whole_inference(img, img_meta, False), img_meta)

    def _slide_rows(self, img: torch.Tensor, img_meta: ImgMetas, layout: ImgMetas) -> SlideRows:
        window = check_test_cfg({**self.test_cfg, 'mode': 'slide'})
        bands, tiles = window_slices(img.shape[2:], window['crop_size'], window['stride'])

        def encode(parts: torch.Tensor) -> torch.Tensor:
            return self._encode_fitting(parts, [*img_meta] * (len(parts) // len(img)))

        is_batched = window.get('batched_slide', False)
        return SlideRows(encode, img, layout, bands, tiles, is_batched)

    def _encode_fitting(self, img: torch.Tensor, img_meta: ImgMetas) -> torch.Tensor:
        """Turn images of any size into logits of that size, padded on the way where need be.

        Padding lies at the bottom and on the right, and is 0: the mean colour.
        """
        height, width = img.shape[2:]
        fitting = self.fitting_size((height, width))
        if fitting == (height, width):
            return self.encode_decode(img, img_meta)
        padded = F.pad(img, (0, fitting[1] - width, 0, fitting[0] - height))
        return self.encode_decode(padded, img_meta)[:, :, :height, :width]

    def _rescale(self, logits: torch.Tensor, img_meta: ImgMetas, rescale: bool) -> torch.Tensor:
        """Bring the picture's part of logits to the size of the original images."""
        if not rescale:
            return logits
        box = picture_box(img_meta[0], logits.shape[2:])
        logits = logits[:, :, box.top : box.bottom, box.left : box.right]
        size = _original_size(img_meta)
        if logits.shape[2:] == size:
            return logits
        return resize(logits, size, mode='bilinear', align_corners=self.align_corners)


def _original_size(img_meta: ImgMetas) -> tuple[int, int]:
    """Return height and width of a batch's original images."""
    sizes = {tuple(meta['ori_shape'][:2]) for meta in img_meta}
    if len(sizes) != 1:
        raise UserAssertionError(f'images of one batch differ in ori_shape: {sorted(sizes)}')
    return sizes.pop()
