"""The base of DAFormer's methods of adaptation, for those that others derived from it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from mmseg.core.adaptation import AdaptationMethod
from mmseg.models.builder import build_segmentor
from mmseg.models.segmentors import BaseSegmentor

ImgMetas = Sequence[Mapping[str, Any]]


def get_module(module: nn.Module) -> nn.Module:
    """Return a network itself, which no wrapper is around here.

    >>> network = nn.Identity()
    >>> get_module(network) is network
    True
    """
    return module


class UDADecorator(BaseSegmentor, AdaptationMethod):
    """Holds a student, `model`, and tests it.

    Subclasses have `forward_train` and perhaps `train_step`, which may take the optimizer's step by
    itself: what it returns then has no 'loss'.

    Args:
        **cfg: `model`, the config of the student, and the method's own settings.
    """

    takes_any_setting = True

    def __init__(self, **cfg: Any) -> None:
        super().__init__()
        self.model: Any = build_segmentor(cfg['model'])
        self.train_cfg = cfg['model'].get('train_cfg')
        self.test_cfg = cfg['model'].get('test_cfg')
        self.num_classes = cfg['model']['decode_head']['num_classes']

    def get_model(self) -> Any:
        """Return the student."""
        return self.model

    def init_weights(self) -> None:
        """Initialise the student."""
        self.get_model().init_weights()

    def extract_feat(self, img: torch.Tensor) -> list[torch.Tensor]:
        """Extract the student's maps from images (B, 3, H, W)."""
        return self.get_model().extract_feat(img)

    def encode_decode(self, img: torch.Tensor, img_metas: ImgMetas) -> torch.Tensor:
        """Turn images (B, 3, H, W) into the student's logits (B, C, H, W)."""
        return self.get_model().encode_decode(img, img_metas)

    def forward_train(
        self,
        img: torch.Tensor,
        img_metas: ImgMetas,
        gt_semantic_seg: torch.Tensor,
        target_img: torch.Tensor | None = None,
        target_img_metas: ImgMetas | None = None,
        return_feat: bool = False,
    ) -> dict[str, Any]:
        """Measure the student's losses on the source; see `EncoderDecoder.forward_train`."""
        return self.get_model().forward_train(
            img, img_metas, gt_semantic_seg, return_feat=return_feat
        )

    def inference(self, img: torch.Tensor, img_meta: ImgMetas, rescale: bool) -> torch.Tensor:
        """Segment images by the student; see `EncoderDecoder.inference`."""
        return self.get_model().inference(img, img_meta, rescale)

    def simple_test(
        self, img: torch.Tensor, img_meta: ImgMetas, rescale: bool = True
    ) -> list[np.ndarray]:
        """Predict the label map (H, W) of each image by the student."""
        return self.get_model().simple_test(img, img_meta, rescale)

    def aug_test(
        self, imgs: Sequence[torch.Tensor], img_metas: Sequence[ImgMetas], rescale: bool = True
    ) -> list[np.ndarray]:
        """Predict the label map (H, W) of each image by the student, from several views."""
        return self.get_model().aug_test(imgs, img_metas, rescale)
