"""How alike pixel embeddings and bank entries are.

B images, D channels, N bank entries, h×w embedding size, H×W label size. Two forms
(method: instance similarity): 'sum' divides dot products by their sum, as the published
code does; 'softmax' is the paper's, the softmax of cosines over a temperature.
"""

import torch
import torch.nn.functional as F

FORMS = ('sum', 'softmax')


def similarity_factors(
    embedding: torch.Tensor,
    bank_features: torch.Tensor,
    form: str = 'sum',
    temperature: float = 1.0,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Bring pixels and bank entries to where their dot products are the scores.

    Args:
        embedding: Pixel embeddings (B, D, h, w), non-negative for form 'sum'.
        bank_features: Bank entries (N, D), non-negative for form 'sum'.
        form: 'sum' or 'softmax'.
        temperature: Divisor of the cosines, form 'softmax' only.

    Returns:
        Embeddings and entries in the same shapes: as they are for form 'sum'; in float32 and of
        length 1 for form 'softmax', the entries' divided by the temperature.

    Raises:
        ValueError: The form is unknown or the channel counts differ.
    """
    if form not in FORMS:
        raise ValueError(f'expected a similarity form in {FORMS}, got {form!r}')
    if embedding.shape[1] != bank_features.shape[1]:
        raise ValueError(
            f'expected bank entries of {embedding.shape[1]} channels like the embedding, '
            f'got {bank_features.shape[1]}'
        )
    if form == 'softmax':
        embedding = F.normalize(_at_least_float32(embedding), dim=1)
        bank_features = F.normalize(_at_least_float32(bank_features), dim=1) / temperature
    return embedding, bank_features


def similarity_scores(
    embedding: torch.Tensor,
    bank_features: torch.Tensor,
    form: str = 'sum',
    temperature: float = 1.0,
) -> torch.Tensor:
    """Compare every pixel with every bank entry, before normalisation over the entries.

    The scores are linear in the pixel, or its direction: they may be upsampled bilinearly and
    normalised afterwards. Arguments and errors are those of `similarity_factors`.

    Returns:
        Scores (B, N, h, w): dot products, or cosines over the temperature.
    """
    embedding, bank_features = similarity_factors(embedding, bank_features, form, temperature)
    return torch.einsum('bdhw,nd->bnhw', embedding, bank_features)


def normalize_scores(scores: torch.Tensor, form: str = 'sum', dim: int = 1) -> torch.Tensor:
    """Turn scores into a distribution over the bank entries.

    Args:
        scores: Scores with the N entries along `dim`; non-negative for form 'sum'.
        form: 'sum' or 'softmax'.
        dim: The entries' dimension.

    Returns:
        Like `scores`, summing to 1 along `dim` (to 0 where form 'sum' meets only zeros).
    """
    if form == 'softmax':
        return scores.softmax(dim)
    return scores / positive_sum(scores, dim)


def positive_sum(values: torch.Tensor, dim: int) -> torch.Tensor:
    """Sum non-negative values along `dim`, keeping it; sums of zero become the smallest divisor."""
    return values.sum(dim, keepdim=True).clamp(min=torch.finfo(values.dtype).tiny)


def _at_least_float32(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))
