import pytest
import torch

from mmseg.models.uda.pseudo_labels import inside_images, pseudo_labels


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


@pytest.mark.parametrize('bottom', [9, 10, 11, 15, 20, 500])
def test_pseudo_labels__rows_beyond_the_crop_are_all_its_rows(bottom):
    probs = probs_of(torch.ones(2, 10, 3))
    for rows in ({'ignore_bottom': bottom}, {'ignore_top': bottom}):
        _, weight = pseudo_labels(probs, 0.9, **rows)
        assert int((weight[0, :, 0] > 0).sum()) == max(10 - bottom, 0)


def metas(*shapes):
    return [{'img_shape': (*shape, 3), 'pad_shape': (8, 10, 3)} for shape in shapes]


@pytest.mark.parametrize(
    'shapes', [[(5, 10), (8, 10)], [(8, 7), (3, 4)], [(8, 10), (8, 10)], [(1, 1), (6, 10)]]
)
def test_pseudo_labels__padding_weighs_nothing_and_does_not_count_in_the_share(shapes):
    confidence = torch.full((2, 8, 10), 1.0)  # the teacher is sure of padding
    num_pixels = 0
    for image, (height, width) in zip(confidence, shapes, strict=True):
        image[:height, :width] = 0.6
        image[0, 0] = 1.0
        num_pixels += height * width
    inside = inside_images(metas(*shapes), confidence)
    _, weight = pseudo_labels(probs_of(confidence), 0.9, inside=inside)
    for image, (height, width) in zip(weight, shapes, strict=True):
        torch.testing.assert_close(
            image[:height, :width], torch.full((height, width), 2 / num_pixels)
        )
        assert not image[height:].any() and not image[:, width:].any()


def test_inside_images__metas_without_a_shape_mean_all_of_it():
    assert inside_images([{}, {}], torch.zeros(2, 3, 4, 6)).all()


def test_pseudo_labels__a_batch_of_padding_alone_weighs_nothing():
    inside = torch.zeros(1, 4, 5, dtype=torch.bool)
    _, weight = pseudo_labels(probs_of(torch.ones(1, 4, 5)), 0.9, inside=inside)
    assert not weight.any()
