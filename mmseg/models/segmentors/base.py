"""What all segmentors share: the training step, the forms of input, drawing of results.

Legend: B images, C classes, A augmented views.
"""

from abc import ABCMeta, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import mmcv
import numpy as np
import torch
import torch.distributed as dist
from torch import nn

from mmseg.core.deferred_numbers import DeferredNumbers
from mmseg.core.picture_box import PICTURE_BOX
from mmseg.core.visualization import overlay
from mmseg.utils.errors import UserAssertionError, UserError, UserTypeError

ImgMetas = Sequence[Mapping[str, Any]]


class BaseSegmentor(nn.Module, metaclass=ABCMeta):
    """Base of segmentors, with mmsegmentation 0.16's names and results."""

    CLASSES: Sequence[str] | None = None
    PALETTE: Sequence[Sequence[int]] | None = None

    @property
    def with_neck(self) -> bool:
        """Whether there is a neck."""
        return getattr(self, 'neck', None) is not None

    @property
    def with_auxiliary_head(self) -> bool:
        """Whether there is an auxiliary head."""
        return getattr(self, 'auxiliary_head', None) is not None

    @property
    def with_decode_head(self) -> bool:
        """Whether there is a decode head."""
        return getattr(self, 'decode_head', None) is not None

    def init_weights(self) -> None:
        """Load the pretrained weights and draw the others: here, leave those drawn when built."""

    @abstractmethod
    def extract_feat(self, img: torch.Tensor) -> list[torch.Tensor]:
        """Extract feature maps from images (B, 3, H, W)."""

    @abstractmethod
    def encode_decode(self, img: torch.Tensor, img_metas: ImgMetas) -> torch.Tensor:
        """Turn images (B, 3, H, W) into logits (B, C, H, W)."""

    @abstractmethod
    def forward_train(
        self, img: torch.Tensor, img_metas: ImgMetas, gt_semantic_seg: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """Measure the losses of images (B, 3, H, W) with labels (B, 1, H, W)."""

    def predict_labels(
        self, imgs: Sequence[torch.Tensor], img_metas: Sequence[ImgMetas], rescale: bool = True
    ) -> torch.Tensor:
        """Predict label maps (B, H, W) from views (A) of the batch, there where they are."""
        maps = self(imgs, img_metas, return_loss=False, rescale=rescale)
        return torch.stack([torch.as_tensor(labels) for labels in maps]).to(imgs[0].device)

    @abstractmethod
    def simple_test(
        self, img: torch.Tensor, img_meta: ImgMetas, rescale: bool = True
    ) -> list[np.ndarray]:
        """Predict the label map (H, W) of each image; see `predict_labels` for the arguments."""

    @abstractmethod
    def aug_test(
        self, imgs: Sequence[torch.Tensor], img_metas: Sequence[ImgMetas], rescale: bool = True
    ) -> list[np.ndarray]:
        """Predict the label map (H, W) of each image; see `predict_labels` for the arguments."""

    def forward(
        self,
        img: Any,
        img_metas: Any,
        return_loss: bool = True,
        **kwargs: Any,
    ) -> Any:
        """Call `forward_train` or, without `return_loss`, `forward_test`."""
        if return_loss:
            return self.forward_train(img, img_metas, **kwargs)
        return self.forward_test(img, img_metas, **kwargs)

    def forward_test(
        self, imgs: Sequence[torch.Tensor], img_metas: Sequence[ImgMetas], **kwargs: Any
    ) -> list[np.ndarray]:
        """Predict label maps.

        Args:
            imgs: Views (A) of the batch, each (B, 3, H, W).
            img_metas: For each view, facts about its B images.
            **kwargs: Arguments of `simple_test` or `aug_test`.

        Returns:
            B label maps (H, W).

        Raises:
            UserError: The views and their facts do not match, or images of a view differ in size.
        """
        for name, value in (('imgs', imgs), ('img_metas', img_metas)):
            if not isinstance(value, (list, tuple)):
                raise UserTypeError(f'{name}: expected a list of views, got {type(value).__name__}')
        if len(imgs) != len(img_metas):
            raise UserError(f'{len(imgs)} views but facts about {len(img_metas)}')
        for metas in img_metas:
            for key in ('ori_shape', 'img_shape', 'pad_shape', PICTURE_BOX):
                sizes = {tuple(meta[key]) for meta in metas if key in meta}
                if len(sizes) > 1:
                    raise UserError(
                        f'images of one batch differ in {key}: {sorted(sizes)}; test them singly'
                    )
        if len(imgs) == 1:
            return self.simple_test(imgs[0], img_metas[0], **kwargs)
        return self.aug_test(imgs, img_metas, **kwargs)

    def train_step(
        self, data_batch: Mapping[str, Any], optimizer: Any = None, **kwargs: Any
    ) -> dict[str, Any]:
        """Measure one batch; the runner's optimizer hook does the rest.

        Args:
            data_batch: Arguments of `forward_train`.
            optimizer: Unused; part of the runner's interface.
            **kwargs: Unused; part of the runner's interface.

        Returns:
            'loss' (a scalar to differentiate), 'log_vars' (numbers), 'num_samples'.
        """
        loss, log_vars = self._parse_losses(self(**data_batch))
        return {'loss': loss, 'log_vars': log_vars, 'num_samples': len(data_batch['img_metas'])}

    @torch.no_grad()
    def val_step(
        self, data_batch: Mapping[str, Any], optimizer: Any = None, **kwargs: Any
    ) -> dict[str, Any]:
        """Measure one batch as `train_step` does, without gradients."""
        return self.train_step(data_batch, optimizer, **kwargs)

    @staticmethod
    def _parse_losses(
        losses: Mapping[str, torch.Tensor | Sequence[torch.Tensor]],
    ) -> tuple[torch.Tensor, DeferredNumbers]:
        """Sum the losses and collect all values, without waiting for the device.

        Args:
            losses: Tensors, or lists of tensors, by name; those with 'loss' in their name count.

        Returns:
            The total, and the means by name with the total as 'loss', averaged over processes.
        """
        means = {}
        for name, value in losses.items():
            parts = [value] if isinstance(value, torch.Tensor) else value
            means[name] = torch.stack([part.mean() for part in parts]).sum()
        total = torch.stack([value for name, value in means.items() if 'loss' in name]).sum()
        means['loss'] = total
        values = torch.stack([value.detach().float() for value in means.values()])
        if dist.is_available() and dist.is_initialized():
            dist.all_reduce(values.div_(dist.get_world_size()))
        return total, DeferredNumbers(list(means), values)

    def show_result(
        self,
        img: str | np.ndarray,
        result: Sequence[np.ndarray],
        palette: Sequence[Sequence[int]] | None = None,
        win_name: str = '',
        show: bool = False,
        wait_time: int = 0,
        out_file: str | None = None,
        opacity: float = 0.5,
    ) -> np.ndarray:
        """Draw a label map over its image.

        Args:
            img: A file, or an image (H, W, 3) of uint8 in BGR.
            result: The label map (H, W), first in a list.
            palette: RGB colour of each class; the model's own, or random ones, if None.
            win_name: Title of the window.
            show: Whether to open a window.
            wait_time: Milliseconds the window stays; 0 until a key is pressed.
            out_file: Where the drawing is written.
            opacity: Weight of the colours in (0, 1].

        Returns:
            The drawing (H, W, 3) of uint8 in BGR.
        """
        if not 0 < opacity <= 1:
            raise UserAssertionError(f'opacity is {opacity}; expected a number in (0, 1]')
        image = mmcv.imread(img)
        drawing = overlay(image, result[0], self._bgr_colours(palette), opacity)
        if show:
            mmcv.imshow(drawing, win_name, wait_time)
        if out_file is not None:
            mmcv.imwrite(drawing, out_file)
        return drawing

    def _bgr_colours(self, palette: Sequence[Sequence[int]] | None) -> list[list[int]]:
        """Colours (C, 3) of the classes in BGR."""
        palette = self.PALETTE if palette is None else palette
        if palette is None:
            num_classes = len(self.CLASSES) if self.CLASSES else 256
            return np.random.default_rng(num_classes).integers(0, 256, (num_classes, 3)).tolist()
        return [list(colour)[::-1] for colour in palette]
