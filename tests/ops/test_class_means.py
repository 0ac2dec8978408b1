import pytest
import torch
import torch.nn.functional as F

from mmseg.ops import boundary_mask, class_means


def upsampled_means(features, labels, num_classes):
    """Average over the pixels of each class after upsampling, written plainly."""
    large = F.interpolate(features, labels.shape[-2:], mode='bilinear', align_corners=False)
    pixels = large.permute(0, 2, 3, 1)
    empty = features.new_zeros(features.shape[1])
    chosen = [pixels[labels[:, 0] == c] for c in range(num_classes)]
    return torch.stack([rows.mean(0) if len(rows) else empty for rows in chosen])


@pytest.mark.parametrize('batch', [1, 3])
@pytest.mark.parametrize('size', [(7, 9), (28, 36), (30, 41)])
def test_class_means__equal_means_over_upsampled_features(batch, size):
    generator = torch.Generator().manual_seed(batch)
    features = torch.randn(batch, 4, 7, 9, generator=generator)
    labels = torch.randint(0, 5, (batch, 1, *size), generator=generator)
    labels[labels == 3] = 255
    means, counts = class_means(features, labels, 6)
    torch.testing.assert_close(means, upsampled_means(features, labels, 6), atol=1e-5, rtol=1e-5)
    assert counts.tolist() == [int((labels == c).sum()) for c in range(6)]


def test_class_means__absent_class_is_zero():
    means, counts = class_means(torch.ones(1, 2, 3, 4), torch.zeros(1, 1, 3, 4).long(), 2)
    assert means.tolist() == [[1, 1], [0, 0]]
    assert counts.tolist() == [12, 0]


def test_boundary_mask__marks_both_sides_of_an_edge_and_no_image_border():
    labels = torch.zeros(1, 1, 4, 6, dtype=torch.long)
    labels[..., 3:] = 1
    assert boundary_mask(labels)[0, 0].tolist() == [[False, False, True, True, False, False]] * 4


def test_boundary_mask__ignored_pixels_are_no_class():
    labels = torch.zeros(1, 1, 3, 5, dtype=torch.long)
    labels[..., 2] = 255
    assert not boundary_mask(labels).any()
    labels[..., 3:] = 1
    assert not boundary_mask(labels)[..., 2].any()
