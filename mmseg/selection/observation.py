"""What a network predicts of unlabelled images, as far as the scores need it.

Legend: B images of H×W, N pixels of all images together, C classes, D channels of the embedding.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F

from mmseg.core.evaluation.confusion import count_pairs

from . import scores
from .mixtures import labels_of_partner, mixture
from .targets import padded_to_fit

# A mixture is of so much of one image and the rest of another (MixVal).
MIXTURE_SHARE = 0.55
_NO_FLIP, _FLIP = ({'flip': is_flipped, 'flip_direction': 'horizontal'} for is_flipped in (0, 1))
_IGNORED = -1


class Observation(NamedTuple):
    """Predictions of a network on some images.

    Attributes:
        probs: Class probabilities of a sample of pixels (N, C).
        features: Their embeddings (N, D); None for a head without.
        shares: Share of all pixels that are predicted to be of each class (C,).
        labels: Predicted classes of all images, each (H, W).
        flipped_pairs: Pixels of each pair of class and class in the mirrored image (C + 1, C + 1).
        mixed: Classes of a sample of pixels of mixtures, of the heavier and of the lighter image,
            three times (N,).
    """

    probs: torch.Tensor
    features: torch.Tensor | None
    shares: torch.Tensor
    labels: list[torch.Tensor]
    flipped_pairs: torch.Tensor
    mixed: tuple[torch.Tensor, torch.Tensor, torch.Tensor]


@torch.inference_mode()
def observe(
    model: Any, images: Sequence[torch.Tensor], pixels_per_image: int = 100, seed: int = 0
) -> Observation:
    """Show a network images, their mirror images, and mixtures of each with another.

    Args:
        model: A segmentor in eval mode.
        images: Normalised images (1, 3, H, W), at least two, on the model's device.
        pixels_per_image: How many pixels of each are sampled, at the same places for all networks.
        seed: Of that sample.
    """
    generator = torch.Generator().manual_seed(seed)
    num_classes = model.num_classes
    probs: list[torch.Tensor] = []
    features: list[torch.Tensor] = []
    labels: list[torch.Tensor] = []
    flipped = torch.zeros(num_classes + 1, num_classes + 1, dtype=torch.long)
    places: list[torch.Tensor] = []
    for image in images:
        found = model.inference(image, [_NO_FLIP], False)
        mirrored = model.inference(image.flip(3), [_FLIP], False)
        place = torch.randint(found[0, 0].numel(), (pixels_per_image,), generator=generator)
        places.append(place)
        probs.append(found[0].flatten(1)[:, place].T.cpu())
        classes = found.argmax(1)
        labels.append(classes[0].to(_compact(num_classes)).cpu())
        flipped += _pairs(classes, mirrored.argmax(1), num_classes)
        fitting = padded_to_fit(model, image)
        embedding = model.forward_embedding(fitting).embedding
        if embedding is not None:
            at_pixels = F.interpolate(embedding.float(), fitting.shape[2:], mode='nearest')
            at_pixels = at_pixels[..., : image.shape[2], : image.shape[3]]
            features.append(at_pixels[0].flatten(1)[:, place].T.cpu())
    shares = torch.stack([_shares(part, num_classes) for part in labels]).mean(0)
    return Observation(
        probs=torch.cat(probs),
        features=torch.cat(features) if features else None,
        shares=shares,
        labels=labels,
        flipped_pairs=flipped,
        mixed=_mixtures(model, images, labels, places),
    )


def scores_of(observation: Observation) -> dict[str, float]:
    """Return the scores of a network by their names; higher is better."""
    found = observation
    values = {
        'information maximisation': scores.information_maximisation(found.probs),
        'nuclear norm': scores.nuclear_norm(found.probs),
        'soft neighbourhood density': scores.soft_neighbourhood_density(found.probs),
        'mixtures': scores.mixture_consistency(*found.mixed, MIXTURE_SHARE),
        'flip agreement': scores.mean_iou_of_predictions(found.flipped_pairs),
    }
    if found.features is not None:
        values['clusters'] = scores.class_agreement_with_clusters(
            found.features, found.probs.argmax(dim=1)
        )
    return values


def agreement(one: Observation, other: Observation) -> float:
    """Return how far two networks agree on the images: their mean IoU."""
    num_classes = len(one.shares)
    pairs = [
        _pairs(ours[None], theirs[None], num_classes)
        for ours, theirs in zip(one.labels, other.labels, strict=True)
    ]
    return scores.mean_iou_of_predictions(torch.stack(pairs).sum(0))


def _mixtures(
    model: Any,
    images: Sequence[torch.Tensor],
    labels: Sequence[torch.Tensor],
    places: Sequence[torch.Tensor],
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    parts: list[tuple[torch.Tensor, ...]] = []
    for i, place in enumerate(places):
        mixed_image = mixture(images, i, MIXTURE_SHARE)
        seen = model.inference(mixed_image, [_NO_FLIP], False).argmax(1)[0].cpu()
        maps = seen, labels[i].long(), labels_of_partner(labels, i)
        parts.append(tuple(part.flatten()[place] for part in maps))
    mixed, heavier, lighter = (torch.cat(column) for column in zip(*parts, strict=True))
    return mixed, heavier, lighter


def _pairs(one: torch.Tensor, other: torch.Tensor, num_classes: int) -> torch.Tensor:
    return count_pairs(one.long(), other.long(), num_classes, _IGNORED)[0].cpu()


def _compact(num_classes: int) -> torch.dtype:
    """Return the smallest type that holds the classes: maps of many networks are kept."""
    return torch.uint8 if num_classes <= torch.iinfo(torch.uint8).max + 1 else torch.int64


def _shares(labels: torch.Tensor, num_classes: int) -> torch.Tensor:
    return labels.flatten().bincount(minlength=num_classes) / labels.numel()
