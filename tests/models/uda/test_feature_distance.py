from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from mmseg.models.uda.feature_distance import (
    FeatureDistance,
    encoder_stride,
    masked_feature_distance,
)
from mmseg.ops import downscale_label
from mmseg.ops.boxes import Box
from mmseg.utils.errors import UserError
from tests.golden import load
from tests.golden.fill import input_for

THINGS = [6, 7, 11, 12, 13, 14, 15, 16, 17, 18]


class Strides(nn.Module):
    """A student of one stage, stride 32, whose weights are at hand."""

    num_classes = 2
    backbone = SimpleNamespace(pretrained='package')

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


class TwoScales(Strides):
    """A network whose features, of the context and of the detail, are at hand."""

    num_classes = 7
    compares_details = False
    context, detail = (
        torch.as_tensor(input_for(f'fd_imnet{s}', (2, 16, 8, 10), 0)) for s in (0, 1)
    )

    def extract_feat(self, img):
        return [self.context]

    def extract_detail(self, img, box):
        return [self.detail]


def published_two_scales():
    golden = {k: torch.from_numpy(v) for k, v in load('hrda_feature_distance').items()}
    labels, box = golden['fd_label'].long(), Box(*golden['fd_box'].tolist())
    context, detail = (
        [torch.as_tensor(input_for(f'fd_feat{s}', (2, 16, 8, 10), 0))] for s in (0, 1)
    )
    source = SimpleNamespace(features=context, detail=SimpleNamespace(box=box, features=detail))
    return golden, labels, source


@pytest.mark.parametrize('compares_details', [False, True])
def test_feature_distance__of_two_scales_equals_the_published_one(compares_details):
    golden, labels, source = published_two_scales()
    student = TwoScales()
    student.compares_details = compares_details
    distance = FeatureDistance(student, 0.005, golden['fd_classes'].tolist(), 0.75)
    step = SimpleNamespace(img=None, labels=labels, student=student, autocast=nullcontext)
    expected = golden['fd_distance_all' if compares_details else 'fd_distance0']
    loss = distance.source_losses(step, source)['src.loss_imnet_feat_dist']
    np.testing.assert_allclose(loss, expected, rtol=1e-4)


@pytest.mark.parametrize('scale', [0, 1])
def test_feature_distance__cells_of_either_scale_equal_the_published_ones(scale):
    golden, labels, source = published_two_scales()
    seen = source.detail.box.of(labels) if scale else labels
    cells = downscale_label(seen, 32 if scale else 64, 0.75, 7)
    assert torch.equal(cells, golden[f'fd_cells{scale}'].long())
    kept = torch.isin(cells, golden['fd_classes'])
    assert torch.equal(kept, golden[f'fd_mask{scale}'].bool())


def test_masked_feature_distance__no_cell_kept_is_zero():
    mask = torch.zeros(1, 1, 2, 3, dtype=torch.bool)
    assert masked_feature_distance(torch.ones(1, 4, 2, 3), torch.zeros(1, 4, 2, 3), mask) == 0


def test_feature_distance__looks_at_the_classes_asked_for():
    student = Strides()
    distance = FeatureDistance(student, 0.5, [1], 0.75)
    nn.init.constant_(student.conv.bias, 3.0)
    img = torch.rand(1, 3, 32, 64)
    labels = torch.zeros(1, 1, 32, 64, dtype=torch.long)
    labels[..., 32:] = 1
    features = student.extract_feat(img)
    gap = (features[0] - distance.model.extract_feat(img)[0])[..., 1]
    torch.testing.assert_close(distance(img, features, labels), 0.5 * gap.norm())


@pytest.mark.parametrize(('token_size', 'is_told'), [(None, False), (14, True)])
def test_feature_distance__is_told_to_hurt_plain_transformers(token_size, is_told, capsys):
    student = Strides()
    student.backbone = SimpleNamespace(pretrained='package', token_size=token_size)
    FeatureDistance(student, 0.005)
    assert ('imnet_feature_dist_lambda=0 switches it off' in capsys.readouterr().out) == is_told


def test_feature_distance__the_frozen_network_learns_nothing():
    student = Strides()
    distance = FeatureDistance(student, 1.0)
    img = torch.rand(1, 3, 32, 64)
    nn.init.constant_(student.conv.bias, 1.0)
    distance(img, student.extract_feat(img), torch.zeros(1, 1, 32, 64).long()).backward()
    assert student.conv.weight.grad is not None
    assert distance.model.conv.weight.grad is None


def test_feature_distance__crop_that_the_stride_does_not_divide_is_refused():
    distance = FeatureDistance(Strides(), 1.0, [1], 0.75)
    with pytest.raises(UserError, match='multiple of'):
        distance(
            torch.rand(1, 3, 64, 64), [torch.rand(1, 8, 3, 2)], torch.zeros(1, 1, 64, 64).long()
        )


@pytest.mark.parametrize(
    ('size', 'cells', 'stride'),
    [
        ((512, 512), (16, 16), 32),
        ((500, 500), (16, 16), 32),
        ((513, 511), (17, 16), 32),
        ((60, 60), (2, 2), 32),
        ((20, 33), (1, 2), 32),
        ((90, 160), (3, 5), 32),
        ((100, 64), (13, 8), 8),
        ((769, 769), (97, 97), 8),
        ((33, 33), (3, 3), 16),
        ((100, 96), (3, 3), 32),
    ],
)
def test_encoder_stride__is_the_encoders_own(size, cells, stride):
    assert encoder_stride(size, cells) == stride


@pytest.mark.parametrize(
    ('size', 'cells', 'near'),
    [
        ((500, 500), (16, 16), '480×480 or 512×512'),
        ((60, 60), (2, 2), '32×32 or 64×64'),
        ((96, 100), (3, 4), '96×96 or 96×128'),
        ((385, 769), (13, 25), '384×768 or 416×800'),
        ((20, 64), (1, 2), '32×64 or 32×64'),
    ],
)
def test_feature_distance__a_crop_that_the_stride_does_not_divide_names_the_nearest(
    size, cells, near
):
    distance = FeatureDistance(Strides(), 1.0, [1], 0.75)
    distance.model.extract_feat = lambda _: [torch.rand(1, 8, *cells)]
    labels = torch.zeros(1, 1, *size).long()
    with pytest.raises(UserError, match=f'multiple of .* 32, got {size[0]}×{size[1]} .* {near}'):
        distance(torch.rand(1, 3, *size), [torch.rand(1, 8, *cells)], labels)


def test_feature_distance__over_all_classes_any_crop_will_do():
    distance = FeatureDistance(Strides(), 1.0)
    img = torch.rand(1, 3, 50, 70)
    assert distance(img, distance.model.extract_feat(img), torch.zeros(1, 1, 50, 70).long()) == 0
