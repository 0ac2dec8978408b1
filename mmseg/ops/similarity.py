"""How alike pixel embeddings and bank entries are.

B images, D channels, N bank entries, h×w embedding size, H×W label size.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from .resize import resize

FORMS = ('sum', 'softmax')


@dataclass(frozen=True)
class Similarity:
    """A way to compare pixels with bank entries: scores, and a distribution made of them.

    Attributes:
        form: 'sum', dot products divided by their sum (published code; embeddings and entries are
            non-negative), or 'softmax', the softmax of cosines over the temperature (paper).
        temperature: Divisor of the cosines, form 'softmax' only.

    Raises:
        ValueError: The form is unknown.
    """

    form: str = 'sum'
    temperature: float = 1.0

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise ValueError(f'expected a similarity form in {FORMS}, got {self.form!r}')

    def factors(
        self, embedding: torch.Tensor, bank_features: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Bring pixels and bank entries to where their dot products are the scores.

        Args:
            embedding: Pixel embeddings (B, D, h, w).
            bank_features: Bank entries (N, D).

        Returns:
            Embeddings and entries in the same shapes: as they are for form 'sum'; in float32 and of
            length 1 for form 'softmax', the entries' divided by the temperature.

        Raises:
            ValueError: The channel counts differ.
        """
        if embedding.shape[1] != bank_features.shape[1]:
            raise ValueError(
                f'expected bank entries of {embedding.shape[1]} channels like the embedding, '
                f'got {bank_features.shape[1]}'
            )
        if self.form == 'softmax':
            embedding = F.normalize(_at_least_float32(embedding), dim=1)
            bank_features = F.normalize(_at_least_float32(bank_features), dim=1) / self.temperature
        return embedding, bank_features

    def scores(
        self,
        embedding: torch.Tensor,
        bank_features: torch.Tensor,
        size: Sequence[int] | None = None,
    ) -> torch.Tensor:
        """Compare every pixel with every bank entry, in float32 or more, also under autocast.

        Scores are linear in the pixel, or its direction: what is brought to another size is that.

        Args:
            embedding: Pixel embeddings (B, D, h, w).
            bank_features: Bank entries (N, D).
            size: H and W of the scores; those of the embedding where None.

        Returns:
            Scores (B, N, H, W): dot products, or cosines over the temperature.

        Raises:
            ValueError: The channel counts differ.
        """
        with torch.autocast(embedding.device.type, enabled=False):
            pixels, entries = map(_at_least_float32, self.factors(embedding, bank_features))
            if size is not None:
                pixels = resize(pixels, size, mode='bilinear', align_corners=False)
            return torch.einsum('bdhw,nd->bnhw', pixels, entries)

    def normalize(self, scores: torch.Tensor, dim: int = 1) -> torch.Tensor:
        """Turn scores into a distribution over the bank entries.

        Args:
            scores: Scores with the N entries along `dim`; non-negative for form 'sum'.
            dim: The entries' dimension.

        Returns:
            Like `scores`, summing to 1 along `dim` (to 0 where form 'sum' meets only zeros).
        """
        if self.form == 'softmax':
            return scores.softmax(dim)
        return scores / positive_sum(scores, dim)


def positive_sum(values: torch.Tensor, dim: int) -> torch.Tensor:
    """Sum non-negative values along `dim`, keeping it; sums of zero become the smallest divisor.

    >>> scores = torch.tensor([[1.0, 3.0], [0.0, 0.0]])
    >>> (scores / positive_sum(scores, 1)).tolist()
    [[0.25, 0.75], [0.0, 0.0]]
    """
    return values.sum(dim, keepdim=True).clamp(min=torch.finfo(values.dtype).tiny)


def _at_least_float32(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))
