"""DIDA's second level as a segmentor of its own."""

from collections.abc import Mapping
from typing import Any, NoReturn

import torch

from mmseg.models.segmentors.base import ImgMetas
from mmseg.models.segmentors.views import SegmentsViews
from mmseg.ops import LOG_EPS, Similarity
from mmseg.utils.errors import UserError

from .interaction import instance_similarity, scatter_to_classes

_BANK = 'instance.bank.'
# Where a run's own form says next to nothing, a sharp one still ranks the classes.
SHARP = Similarity('softmax', 0.05)


class InstanceSegmentor(SegmentsViews):
    """Tells classes by what pixels are like: similarities to the bank, added up over each class.

    Whole images, windows, views and strips of rows work as for the network itself, and its
    probabilities are the scattered similarities s of section 3.2 of the paper.

    Args:
        model: A segmentor whose head has an embedding; of a network of two scales the context's.
        features: The bank's entries (N, D).
        labels: Their classes (N,).
        similarity: How pixels and entries are compared.

    Raises:
        UserError: The head has no embedding, or one of other channels than the bank.
    """

    features: torch.Tensor
    labels: torch.Tensor

    def __init__(
        self,
        model: Any,
        features: torch.Tensor,
        labels: torch.Tensor,
        similarity: Similarity = SHARP,
    ) -> None:
        super().__init__()
        if model.embed_channels != features.shape[1]:
            raise UserError(
                f'the bank has entries of {features.shape[1]} channels, the embedding of '
                f'{type(model.decode_head).__name__} has {model.embed_channels}'
            )
        self.model = model
        self.similarity = similarity
        self.num_classes, self.align_corners = model.num_classes, model.align_corners
        self.test_cfg = model.test_cfg
        self.CLASSES, self.PALETTE = model.CLASSES, model.PALETTE
        self.register_buffer('features', features)
        self.register_buffer('labels', labels)

    def fitting_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """See the base class."""
        return self.model.fitting_size(size)

    def extract_feat(self, img: torch.Tensor) -> list[torch.Tensor]:
        """Extract the network's maps from images (B, 3, H, W)."""
        return self.model.extract_feat(img)

    def encode_decode(self, img: torch.Tensor, img_metas: ImgMetas) -> torch.Tensor:
        """Turn images (B, 3, H, W) into the logarithms (B, C, H, W) of scattered similarities."""
        embedding = self.model.decode_head.decoded(self.extract_feat(img)).embedding
        q = instance_similarity(embedding, self.features, self.similarity)
        scattered = scatter_to_classes(q, self.labels, self.num_classes)
        logs = (scattered + LOG_EPS).log()
        return self.model.decode_head.upsample(logs, img.shape[2:])

    def forward_train(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse to train: it has no weights of its own."""
        raise UserError('the instance level does not train by itself')


def entries_of_state(
    state_dict: Mapping[str, torch.Tensor],
) -> tuple[torch.Tensor, torch.Tensor] | None:
    """Return the filled entries (N, D) of a checkpoint's bank and their classes (N,).

    Returns:
        None where there is no bank, or none of its entries is filled.

    >>> features, labels = torch.eye(2), torch.tensor([3, -1])
    >>> entries_of_state({'instance.bank.features': features, 'instance.bank.labels': labels})
    (tensor([[1., 0.]]), tensor([3]))
    """
    if f'{_BANK}features' not in state_dict:
        return None
    return filled_entries(state_dict[f'{_BANK}features'], state_dict[f'{_BANK}labels'])


def filled_entries(
    features: torch.Tensor, labels: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor] | None:
    """Return the filled ones of a bank's entries (N, D) and classes (N,); None if none is.

    >>> filled_entries(torch.eye(2), torch.tensor([3, -1]))
    (tensor([[1., 0.]]), tensor([3]))
    """
    is_filled = labels >= 0
    return (features[is_filled], labels[is_filled]) if is_filled.any() else None
