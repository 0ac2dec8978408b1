"""The ImageNet feature distance (Hoyer et al., CVPR 2022, section 3.3)."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import nn

from mmseg.models.builder import TERMS
from mmseg.models.segmentors import EncoderDecoder
from mmseg.models.segmentors.encoder_decoder import Detail, Embedded
from mmseg.ops import downscale_label
from mmseg.utils.distributed import sum_over_processes, world_size
from mmseg.utils.errors import UserError
from mmseg.utils.logger import get_root_logger

from .base import Losses, Step, Term
from .frozen_network import comes_from_checkpoint, has_imagenet_weights
from .settings import check_feature_distance


def masked_feature_distance(
    features: torch.Tensor, reference: torch.Tensor, mask: torch.Tensor | None = None
) -> torch.Tensor:
    """Average the Euclidean distance of two feature maps over the cells kept.

    Args:
        features: (B, D, h, w), compared in float32.
        reference: (B, D, h, w).
        mask: Cells to keep (B, 1, h, w) bool; all where None.

    Returns:
        Scalar; 0 where no cell is kept. The cells of all processes divide it, so that its mean over
        the processes is the average over the cells of the global batch.

    >>> features, reference = torch.zeros(1, 2, 1, 2), torch.tensor([[[[3.0, 0.0]], [[4.0, 0.0]]]])
    >>> masked_feature_distance(features, reference)
    tensor(2.5000)
    >>> masked_feature_distance(features, reference, mask=torch.tensor([[[[True, False]]]]))
    tensor(5.)
    """
    distance = torch.linalg.vector_norm(features.float() - reference.float(), dim=1)
    if mask is None:
        return distance.mean()
    keep = mask[:, 0].to(distance.dtype)
    return (distance * keep).sum() * world_size() / sum_over_processes(keep.sum()).clamp(min=1)


@TERMS.register_module()
class FeatureDistance(Term):
    """Keeps the student's features of thing classes near those of a frozen ImageNet network.

    The frozen network is a copy of the freshly initialised student. Checkpoints carry it under the
    field's customary name `imnet_model`. Without ImageNet weights there is none, and no distance.

    Args:
        student: The network that learns.
        weight: λ_FD; 0 switches the distance off.
        classes: Train ids of the classes to look at; all cells where None.
        min_ratio: Share of a cell's pixels in (0, 1] that must agree on a class; any where None.

    Raises:
        UserError: A setting is out of range.
    """

    name = 'feature_distance'
    classes: torch.Tensor | None

    def __init__(
        self,
        student: Any,
        weight: float = 0.005,
        classes: Sequence[int] | None = None,
        min_ratio: float | None = None,
    ) -> None:
        super().__init__(student)
        check_feature_distance(weight, classes, min_ratio, student.num_classes)
        self.weight = weight
        self.min_ratio = min_ratio or 0.0
        self.num_classes = student.num_classes
        kept = None if classes is None else torch.tensor(sorted(classes))
        self.register_buffer('classes', kept, persistent=False)
        # In tuples, to be no part of this module: the step's owner registers both.
        self._student = (student,)
        self._frozen: tuple[Any, ...] = ()
        if weight > 0 and has_imagenet_weights(student.backbone):
            self._freeze()
            if getattr(student.backbone, 'token_size', None) is not None:
                get_root_logger().warning(
                    'the feature distance is reported to hurt plain transformers (VFM-UDA++, '
                    'Englert and Dubbelman, 2025): uda.imnet_feature_dist_lambda=0 switches it off'
                )

    @property
    def is_on(self) -> bool:
        """Whether there is a frozen network."""
        return bool(self._frozen)

    @property
    def model(self) -> Any:
        """The frozen network."""
        return self._frozen[0]

    def networks(self) -> dict[str, nn.Module]:
        """Name the frozen network, if there is one."""
        return {'imnet_model': self.model} if self.is_on else {}

    def init_weights(self, student: EncoderDecoder) -> None:
        """Give the frozen network the student's first weights.

        Weights of the model zoo may turn out not to be had: then there is no feature distance.
        """
        if self.is_on and not cast(Any, student.backbone).is_pretrained:
            get_root_logger().warning('No ImageNet weights were loaded: no feature distance.')
            self._frozen = ()
        if self.is_on:
            self.model.load_state_dict(student.state_dict())

    def match_state(self, state_dict: Mapping[str, torch.Tensor]) -> None:
        """Get ready for the state that a run is to go on from, before it is loaded.

        The frozen network comes from there where its ImageNet weights are not at hand.

        Raises:
            UserError: It was trained with the feature distance and this run is without, or the
                other way round.
        """
        if comes_from_checkpoint(state_dict, self.weight, self.is_on):
            self._freeze()
            get_root_logger().info('the network of the feature distance is that of the checkpoint')

    def source_losses(self, step: Step, source: Embedded) -> Losses:
        """Measure L_FD on the source's features."""
        if not self.is_on:
            return {}
        with step.autocast():
            distance = self(step.img, source.features, step.labels)
            if source.detail is not None and step.student.compares_details:
                distance = distance + self._of_detail(step, source.detail)
            return {'src.loss_imnet_feat_dist': distance}

    def forward(
        self, img: torch.Tensor, features: Sequence[torch.Tensor], labels: torch.Tensor
    ) -> torch.Tensor:
        """Compute λ_FD times the distance on the last stage.

        Args:
            img: Normalised source images (B, 3, H, W).
            features: The student's feature maps, the last of stride 32.
            labels: Source labels (B, 1, H, W).

        Returns:
            Scalar.
        """
        with torch.no_grad():
            reference = self.model.extract_feat(img)[-1].detach()
        return self._compare(features[-1], reference, labels)

    def _of_detail(self, step: Step, detail: Detail) -> torch.Tensor:
        """Compute the distance on what a network of two scales sees of the detail."""
        with torch.no_grad():
            reference = self.model.extract_detail(step.img, detail.box)[-1].detach()
        return self._compare(detail.features[-1], reference, detail.box.of(step.labels))

    def _compare(
        self, features: torch.Tensor, reference: torch.Tensor, labels: torch.Tensor
    ) -> torch.Tensor:
        mask = None if self.classes is None else self._thing_cells(labels, features)
        return self.weight * masked_feature_distance(features, reference, mask)

    def _freeze(self) -> None:
        self._frozen = (copy.deepcopy(self._student[0]).requires_grad_(False).eval(),)

    def _thing_cells(self, labels: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        size = labels.shape[-2:]
        stride = encoder_stride(size, features.shape[-2:])
        whole = [count * stride for count in features.shape[-2:]]
        if whole != list(size):
            fitting = [_multiples_near(side, stride) for side in size]
            near = ' or '.join(f'{height}×{width}' for height, width in zip(*fitting, strict=True))
            raise UserError(
                f"the feature distance needs crops whose sides are a multiple of the encoder's "
                f'stride, {stride}, got {size[0]}×{size[1]} (height×width): set crop_size to '
                f'{near}'
            )
        cells = downscale_label(labels, stride, self.min_ratio, self.num_classes)
        assert self.classes is not None
        return torch.isin(cells, self.classes)


def encoder_stride(size: Sequence[int], cells: Sequence[int]) -> int:
    """Return the stride of an encoder that makes so many cells of an image.

    Args:
        size: Height and width of the image.
        cells: Height and width of the feature map, the image's over the stride and rounded up, or
            else down.

    Returns:
        The smallest power of two that it can be, or about the size of a cell.

    >>> encoder_stride((512, 512), (16, 16)), encoder_stride((100, 60), (25, 15))
    (32, 4)
    """
    pairs = [*zip(size, cells, strict=True)]
    for sign in (-1, 1):
        for stride in (1 << power for power in range(16)):
            if all(sign * side // stride == sign * count for side, count in pairs):
                return stride
    return max(1, round(max(side / count for side, count in pairs)))


def _multiples_near(side: int, stride: int) -> tuple[int, int]:
    """Return the multiples of the stride at or below a side, and at or above it."""
    return max(side // stride, 1) * stride, -(-side // stride) * stride
