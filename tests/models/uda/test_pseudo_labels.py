import torch

from mmseg.models.uda.pseudo_labels import pseudo_labels


def probs_of(confidence):
    """Two-class probabilities whose likelier class is 1."""
    return torch.stack([1 - confidence, confidence], dim=1)


def test_pseudo_labels__weigh_the_batch_by_its_share_of_confident_pixels():
    confidence = torch.full((1, 4, 6), 0.6)
    confidence[:, :, :2] = 0.97
    labels, weight = pseudo_labels(probs_of(confidence), threshold=0.968)
    assert labels.shape == weight.shape == (1, 4, 6)
    assert labels.unique().tolist() == [1]
    torch.testing.assert_close(weight, torch.full((1, 4, 6), 2 / 6))


def test_pseudo_labels__one_share_counts_for_the_whole_batch():
    confidence = torch.full((3, 2, 5), 0.6)
    confidence[0] = 1
    _, weight = pseudo_labels(probs_of(confidence), threshold=0.9)
    torch.testing.assert_close(weight, torch.full((3, 2, 5), 1 / 3))


def test_pseudo_labels__cropped_rows_weigh_nothing_but_count_in_the_share():
    confidence = torch.full((1, 10, 3), 0.6)
    confidence[:, :5] = 1
    _, weight = pseudo_labels(probs_of(confidence), 0.9, ignore_top=2, ignore_bottom=3)
    assert weight[0, :, 0].tolist() == [0, 0, 0.5, 0.5, 0.5, 0.5, 0.5, 0, 0, 0]
