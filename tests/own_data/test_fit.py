"""Labels that do not belong to their pictures."""

from functools import partial

import cv2
import numpy as np
import pytest

from mmseg.datasets.image_io import read_label
from mmseg.own_data.fit import Fit, explained_share, fit_of
from mmseg.own_data.pairs import pair_up
from mmseg.own_data.pictures import look_into


@pytest.fixture
def folders(tmp_path):
    """Ten pictures of a bright rectangle on dark ground, each elsewhere, and their labels."""
    rng = np.random.default_rng(0)
    for name in ('images', 'labels'):
        (tmp_path / name).mkdir()
    for index in range(10):
        labels = np.zeros((60, 80), np.uint8)
        top, left = 4 * index, 6 * index
        labels[top : top + 14, left : left + 20] = 1
        image = rng.integers(0, 60, (60, 80, 3), np.uint8)
        image[labels == 1] += 150
        cv2.imwrite(str(tmp_path / f'images/{index}.png'), image)
        cv2.imwrite(str(tmp_path / f'labels/{index}.png'), labels)
    return tmp_path


def fit_in(folder):
    images, labels = (look_into(folder / name).pictures for name in ('images', 'labels'))
    pairs = pair_up(images, labels).pairs
    return fit_of([(image, partial(read_label, label.path)) for image, label in pairs])


def test_explained_share__is_between_the_classes_over_all():
    # means 2 and 6 of pixels 1, 3 and 5, 7: 4 of each pixel's 5 lie between them
    image = np.array([[[1.0], [3.0]], [[5.0], [7.0]]])
    assert explained_share(image, np.array([[0, 0], [255, 255]])) == pytest.approx(0.8)
    assert explained_share(image, np.array([[0, 1], [2, 3]])) == pytest.approx(1.0)
    assert explained_share(np.ones((2, 2, 3)), np.array([[0, 0], [1, 1]])) == 0


def test_fit_of__labels_explain_their_own_pictures(folders):
    assert fit_in(folders) == Fit(10, 10)
    assert fit_in(folders).lines() == []


@pytest.mark.parametrize('axes', [0, 1, (0, 1)])
def test_fit_of__labels_that_stand_another_way_round_are_doubtful(folders, axes):
    for path in (folders / 'labels').iterdir():
        labels = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        cv2.imwrite(str(path), np.flip(labels, axes))
    (line,) = fit_in(folders).lines()
    assert line.startswith('do labels and pictures belong together?') and 'of 10 labels' in line


def test_fit_of__labels_of_other_pictures_are_doubtful(folders):
    paths = sorted((folders / 'labels').iterdir())
    contents = [path.read_bytes() for path in paths]
    for path, content in zip(paths, [*contents[5:], *contents[:5]], strict=True):
        path.write_bytes(content)
    assert fit_in(folders).is_doubtful


def test_fit_of__labels_of_one_value_and_few_labels_tell_nothing(folders):
    for path in sorted((folders / 'labels').iterdir())[:3]:
        cv2.imwrite(str(path), np.ones((60, 80), np.uint8))
    fit = fit_in(folders)
    assert fit == Fit(7, 7) and not Fit(0, 7).is_doubtful
