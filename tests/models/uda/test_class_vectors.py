import pytest
import torch

from mmseg.models.uda.class_vectors import class_vectors


@pytest.fixture
def scene():
    """A map of two classes whose features tell how far a pixel is from the border at column 3."""
    labels = torch.zeros(1, 1, 4, 6, dtype=torch.long)
    labels[..., 3:] = 1
    features = torch.tensor([5.0, 3.0, 1.0, 1.0, 3.0, 5.0]).expand(1, 1, 4, 6)
    return features, labels


@pytest.mark.parametrize(('kind', 'value'), [('mean', 3), ('boundary', 1), ('mean+boundary', 2)])
def test_class_vectors__kinds_look_at_different_pixels(scene, kind, value):
    vectors, present = class_vectors(*scene, num_classes=3, kind=kind)
    assert vectors[:2, 0].tolist() == [value, value]
    assert present.tolist() == [True, True, False]


def test_class_vectors__a_class_without_boundary_has_no_boundary_vector():
    features, labels = torch.ones(1, 2, 3, 5), torch.zeros(1, 1, 3, 5, dtype=torch.long)
    _, present = class_vectors(features, labels, 2, 'boundary')
    assert not present.any()
    vectors, present = class_vectors(features, labels, 2, 'mean+boundary')
    assert present.tolist() == [True, False]
    assert vectors[0].tolist() == [1, 1]


def test_class_vectors__unknown_kind_is_refused(scene):
    with pytest.raises(ValueError, match="got 'median'"):
        class_vectors(*scene, num_classes=2, kind='median')
