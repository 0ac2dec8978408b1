import numpy as np
import pytest
import torch
from torch import nn

from mmseg.models.uda.feature_distance import FeatureDistance, masked_feature_distance
from mmseg.utils.errors import UserError
from tests.golden import load

THINGS = [6, 7, 11, 12, 13, 14, 15, 16, 17, 18]


class Strides(nn.Module):
    """A backbone of one stage, stride 32."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 32, stride=32)

    def extract_feat(self, img):
        return [self.conv(img)]


def test_masked_feature_distance__equals_the_published_one():
    golden = {name: torch.from_numpy(array) for name, array in load('self_training').items()}
    mask = torch.isin(golden['fd_down2'], torch.tensor(THINGS))
    distance = masked_feature_distance(golden['fd_f1'], golden['fd_f2'], mask)
    np.testing.assert_allclose(0.005 * distance, golden['fd_loss'], rtol=1e-4)


def test_masked_feature_distance__no_cell_kept_is_zero():
    mask = torch.zeros(1, 1, 2, 3, dtype=torch.bool)
    assert masked_feature_distance(torch.ones(1, 4, 2, 3), torch.zeros(1, 4, 2, 3), mask) == 0


def test_feature_distance__looks_at_the_classes_asked_for():
    student = Strides()
    distance = FeatureDistance(student, 0.5, [1], 0.75, num_classes=2)
    nn.init.constant_(student.conv.bias, 3.0)
    img = torch.rand(1, 3, 32, 64)
    labels = torch.zeros(1, 1, 32, 64, dtype=torch.long)
    labels[..., 32:] = 1
    features = student.extract_feat(img)
    gap = (features[0] - distance.model.extract_feat(img)[0])[..., 1]
    torch.testing.assert_close(distance(img, features, labels), 0.5 * gap.norm())


def test_feature_distance__the_frozen_network_learns_nothing():
    student = Strides()
    distance = FeatureDistance(student, 1.0, None, 0.0, num_classes=2)
    img = torch.rand(1, 3, 32, 64)
    nn.init.constant_(student.conv.bias, 1.0)
    distance(img, student.extract_feat(img), torch.zeros(1, 1, 32, 64).long()).backward()
    assert student.conv.weight.grad is not None
    assert distance.model.conv.weight.grad is None


def test_feature_distance__crop_that_the_stride_does_not_divide_is_refused():
    distance = FeatureDistance(Strides(), 1.0, [1], 0.75, num_classes=2)
    with pytest.raises(UserError, match='multiple of'):
        distance(
            torch.rand(1, 3, 64, 64), [torch.rand(1, 8, 3, 2)], torch.zeros(1, 1, 64, 64).long()
        )
