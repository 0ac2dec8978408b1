"""Which unlabelled images most need a label: uncertain ones that are unlike each other.

Legend: N images, D numbers that describe one.
"""

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F

from mmseg.core.evaluation.uncertainty import normalised_entropy

_NO_FLIP = {'flip': False}


class Described(NamedTuple):
    """What a network makes of an image.

    Attributes:
        uncertainty: Mean entropy of its pixels in [0, 1].
        look: A direction (D,): the image's mean embedding, uncertain pixels counting more.
    """

    uncertainty: float
    look: torch.Tensor


@torch.inference_mode()
def describe(model: Any, image: torch.Tensor) -> Described:
    """Show a network an image.

    Args:
        model: A segmentor in eval mode whose head has an embedding.
        image: Normalised (1, 3, H, W), of a size that fits the network.
    """
    seen = model.forward_embedding(image)
    entropy = normalised_entropy(seen.logits.float().softmax(dim=1))
    embedding = seen.embedding.float()
    weights = F.interpolate(entropy[None], embedding.shape[2:], mode='area')
    look = (embedding * weights).sum(dim=(2, 3))[0]
    return Described(float(entropy.mean()), F.normalize(look, dim=0).cpu())


def suggest(uncertainty: torch.Tensor, looks: torch.Tensor, number: int) -> list[int]:
    """Choose images one after the other: uncertain, and far from those chosen already.

    The first is the most uncertain one; each further one has the largest product of its uncertainty
    and its distance, 1 − cosine, to the nearest that is chosen (the farthest-first traversal of
    Sener and Savarese, ICLR 2018, weighed by uncertainty).

    Args:
        uncertainty: (N,), not negative.
        looks: Directions (N, D) of length 1.
        number: How many, at most N.

    Returns:
        Indices in the order in which they are to be labelled.

    >>> twins = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    >>> suggest(torch.tensor([0.9, 0.8, 0.1]), twins, 2)  # not the twin of the first
    [0, 2]
    """
    chosen = [int(uncertainty.argmax())]
    nearest = torch.full_like(uncertainty, 2.0)
    while len(chosen) < number:
        nearest = torch.minimum(nearest, 1 - looks @ looks[chosen[-1]]).clamp(min=0)
        gain = uncertainty * nearest
        gain[chosen] = -1
        chosen.append(int(gain.argmax()))
    return chosen
