"""A temperature without labels."""

import copy

import pytest
import torch
from torch import nn

from mmseg.models import build_segmentor
from mmseg.selection.calibration import fit_temperature, pseudo_labelled_pixels, scale_logits
from mmseg.utils.errors import UserError
from tests.models.networks import ARCHITECTURES, TWO_SCALES, small_architecture


def drawn(temperature, number=20000):
    """Logits whose labels were drawn at a temperature."""
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(number, 5, generator=generator)
    probs = (logits / temperature).softmax(1)
    return logits, torch.multinomial(probs, 1, generator=generator)[:, 0]


@pytest.mark.parametrize('temperature', [0.5, 1.0, 2.5])
def test_fit_temperature__finds_the_one_that_labels_were_drawn_at(temperature):
    assert fit_temperature(*drawn(temperature)) == pytest.approx(temperature, rel=0.05)


def test_fit_temperature__of_log_probabilities_is_that_of_their_logits():
    logits, labels = drawn(2.0, 2000)
    alike = fit_temperature(logits.log_softmax(1), labels)
    assert alike == pytest.approx(fit_temperature(logits, labels), rel=1e-3)


@pytest.mark.parametrize('name', [*ARCHITECTURES, *TWO_SCALES])
@torch.no_grad()
def test_scale_logits__multiplies_what_every_network_gives(name):
    torch.manual_seed(0)
    network = build_segmentor(small_architecture(name)).eval()
    network.init_weights()
    scaled = copy.deepcopy(network)
    scale_logits(scaled, 0.4)
    image = torch.randn(1, 3, 64, 96)
    torch.testing.assert_close(
        scaled.encode_decode(image, []), 0.4 * network.encode_decode(image, [])
    )


def test_scale_logits__a_head_without_classifier_is_refused():
    network = nn.Module()
    network.decode_head = nn.Conv2d(3, 2, 1)
    with pytest.raises(UserError, match='Conv2d has no classifier'):
        scale_logits(network, 2.0)


class Brightness(nn.Module):
    """A segmentor that takes bright pixels for class 1, dark ones for class 0."""

    num_classes = 2

    def inference(self, image, metas, rescale):
        logit = image[:, :1]
        return torch.cat([-logit, logit], dim=1).softmax(1)


def test_pseudo_labelled_pixels__are_of_mixtures_where_the_images_differ():
    dark_and_bright = torch.full((1, 3, 4, 6), -1.0)
    dark_and_bright[..., 3:] = 1.0
    images = [dark_and_bright, torch.full((1, 3, 4, 6), 1.0)]
    log_probs, labels = pseudo_labelled_pixels(Brightness(), images, pixels_per_image=50)
    # The left halves differ: dark in the first image, bright in the second.
    assert labels.tolist() == [0] * 12 + [1] * 12
    mixed = torch.full((12,), 0.65 * -1 + 0.35)
    expected = torch.stack([-mixed, mixed], 1).log_softmax(1)
    torch.testing.assert_close(log_probs[:12], expected)
    torch.testing.assert_close(log_probs[12:], expected.flip(1))
    with pytest.raises(UserError, match='one class is predicted everywhere'):
        pseudo_labelled_pixels(Brightness(), images[1:] * 2)


def test_pseudo_labelled_pixels__takes_images_of_different_sizes():
    torch.manual_seed(0)
    network = build_segmentor(small_architecture('daformer_sepaspp_mitb5')).eval()
    images = [3 * torch.randn(1, 3, 64, 96), 3 * torch.randn(1, 3, 64, 64)]
    log_probs, labels = pseudo_labelled_pixels(network, images, pixels_per_image=50)
    assert len(log_probs) == len(labels) > 0 and log_probs.shape[1] == 5
    torch.testing.assert_close(log_probs.exp().sum(1), torch.ones(len(labels)))
    again = pseudo_labelled_pixels(network, images, pixels_per_image=50)
    assert torch.equal(again[1], labels) and torch.equal(again[0], log_probs)
