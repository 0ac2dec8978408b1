"""A temperature for a network's probabilities, without labels of the target.

PseudoCal, Hu et al. (Pseudo-Calibration, ICML 2024): mixtures of two target images of different
classes stand for a labelled set, each pixel with the pseudo label of the heavier image. A network
that is too sure of itself is too sure of these too.

Legend: N pixels, C classes.
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from mmseg.utils.errors import UserError

from .mixtures import labels_of_partner, mixture
from .targets import target_images

MIXTURE_SHARE = 0.65
_LARGEST = 20.0
_NO_FLIP = {'flip': False}


def fit_temperature(log_probs: torch.Tensor, labels: torch.Tensor) -> float:
    """Return the temperature T that makes softmax(log p / T) likeliest (Guo et al., ICML 2017).

    Args:
        log_probs: Logarithms of class probabilities, or logits (N, C).
        labels: Classes (N,).

    Returns:
        T in [1/20, 20].
    """
    values = log_probs.double()

    def loss(log_temperature: float) -> float:
        scaled = values / torch.tensor(log_temperature).exp()
        return float(F.cross_entropy(scaled, labels))

    # The likelihood of a scale is unimodal: golden sections close in on it.
    low, high = -float(torch.tensor(_LARGEST).log()), float(torch.tensor(_LARGEST).log())
    ratio = (5**0.5 - 1) / 2
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = loss(left), loss(right)
    while high - low > 1e-4:
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = loss(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = loss(right)
    return float(torch.tensor((low + high) / 2).exp())


@torch.inference_mode()
def pseudo_labelled_pixels(
    model: Any, images: Sequence[torch.Tensor], pixels_per_image: int = 2000, seed: int = 0
) -> tuple[torch.Tensor, torch.Tensor]:
    """Show a network mixtures of each image with another, and label them by the heavier one.

    Pixels where both images show one class are left out: a mixture of two roads is a road, which
    says nothing of how often the network errs, and streets are much alike.

    Args:
        model: A segmentor in eval mode.
        images: Normalised target images (1, 3, H, W), at least two.
        pixels_per_image: How many pixels of each mixture are sampled.
        seed: Of that sample.

    Returns:
        Log probabilities (N, C) of the mixtures, and pseudo labels (N,).

    Raises:
        UserError: The images show one class each, and the same.
    """
    generator = torch.Generator().manual_seed(seed)
    found = [model.inference(image, [_NO_FLIP], False).argmax(1)[0].cpu() for image in images]
    log_probs: list[torch.Tensor] = []
    labels: list[torch.Tensor] = []
    for i, pseudo in enumerate(found):
        unlike = (pseudo != labels_of_partner(found, i)).flatten().nonzero()[:, 0]
        place = unlike[torch.randperm(len(unlike), generator=generator)[:pixels_per_image]]
        probs = model.inference(mixture(images, i, MIXTURE_SHARE), [_NO_FLIP], False)
        log_probs.append(probs[0].flatten(1).cpu()[:, place].T.clamp(min=1e-12).log())
        labels.append(pseudo.flatten()[place])
    if not sum(map(len, labels)):
        raise UserError('one class is predicted everywhere: there is nothing to calibrate by')
    return torch.cat(log_probs), torch.cat(labels)


def temperature_on_target(model: Any, cfg: Any, number: int) -> tuple[float, int]:
    """Fit a segmentor's temperature to unlabelled images that a config adapts to.

    Args:
        model: A segmentor in eval mode.
        cfg: The config.
        number: Most images to show it.

    Returns:
        The temperature, and how many images it was shown.

    Raises:
        UserError: There are too few images, or they show one class alone.
    """
    device = next(model.parameters()).device
    images = [image.to(device) for image in target_images(cfg, number)]
    return fit_temperature(*pseudo_labelled_pixels(model, images)), len(images)


def scale_logits(model: Any, factor: float) -> None:
    """Multiply a segmentor's logits by a factor, in the weights of its classifier.

    Whatever the network is used for then, test, demo, web page, ONNX file or pseudo labels, has the
    probabilities of the temperature 1/factor.

    Args:
        model: A segmentor.
        factor: Above 0.

    Raises:
        UserError: The head has no classifier of its own whose weights could be scaled.
    """
    head = getattr(model.decode_head, 'head', model.decode_head)
    layers = _classifiers(head)
    if not layers:
        raise UserError(
            f'{type(head).__name__} has no classifier whose weights could be scaled: conv_seg is '
            'missing'
        )
    with torch.no_grad():
        for layer in layers:
            layer.weight *= factor
            if layer.bias is not None:
                layer.bias *= factor


def _classifiers(head: nn.Module) -> list[nn.Conv2d]:
    """Return the layers that give logits: the classifier, or DeepLabv2's, which are added up."""
    # SegFormer's carries a conv_seg that nobody uses.
    classifier = getattr(head, 'linear_pred', None) or getattr(head, 'conv_seg', None)
    if isinstance(classifier, nn.Conv2d):
        return [classifier]
    if type(head).__name__ == 'DLV2Head':
        modules = [*head.get_submodule('aspp_modules').modules()]
        return [layer for layer in modules if isinstance(layer, nn.Conv2d)]
    return []
