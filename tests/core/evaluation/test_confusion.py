import pytest
import torch

from mmseg.core.evaluation import confusion_matrix, count_pairs
from mmseg.utils.errors import UserError


def maps(num_classes, size=(3, 7, 9)):
    """Predictions and labels, some of them outside the classes."""
    generator = torch.Generator().manual_seed(num_classes)
    pred, labels = torch.randint(0, num_classes + 2, (2, *size), generator=generator)
    labels[:, 0, :3] = 255
    return pred, labels.to(torch.uint8)


@pytest.mark.parametrize('num_classes', [2, 5, 19])
@pytest.mark.parametrize('ignore_index', [255, 0])
def test_count_pairs__equals_the_counts_of_single_maps(num_classes, ignore_index):
    pred, labels = maps(num_classes)
    confusions = count_pairs(pred, labels, num_classes, ignore_index)
    assert confusions.shape == (3, num_classes + 1, num_classes + 1)
    assert confusions.sum((1, 2)).equal((labels != ignore_index).sum((1, 2)))
    for confusion, *pair in zip(confusions, pred, labels, strict=True):
        assert torch.equal(confusion.int(), confusion_matrix(*pair, num_classes, ignore_index))


def test_count_pairs__rows_are_true_classes():
    labels, pred = torch.tensor([[[0, 0, 1, 255]]]), torch.tensor([[[1, 0, 1, 0]]])
    assert count_pairs(pred, labels, 2, 255).tolist() == [[[1, 1, 0], [0, 1, 0], [0, 0, 0]]]


def test_count_pairs__other_sizes_are_named():
    with pytest.raises(UserError, match=r'\(7, 9\) was given for labels of \(9, 7\)'):
        count_pairs(torch.zeros(1, 7, 9), torch.zeros(1, 9, 7), 2, 255)
