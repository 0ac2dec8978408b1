"""A sheet of pictures and labels."""

import numpy as np
import pytest

from mmseg.own_data.contact_sheet import Labelled, contact_sheet
from mmseg.own_data.pictures import look_into

from .files import photographs, save

RED, BLUE = (255, 0, 0), (0, 0, 255)
CELL, GAP, BAR = 380, 4, 18


@pytest.fixture
def black(tmp_path):
    save(tmp_path / 'a.png', np.zeros((40, 40, 3), np.uint8))
    return look_into(tmp_path).pictures[0]


def test_contact_sheet__shows_the_picture_beside_its_labels(black):
    labels = np.repeat(np.array([[0, 1]], np.uint8), 20, axis=1).repeat(40, axis=0)
    sheet = contact_sheet([Labelled(black, lambda: labels)], ['a', 'b'], [RED, BLUE])
    top, left = GAP + BAR + 100, GAP
    assert sheet[top, left + 50].tolist() == [0, 0, 0]
    drawn = left + CELL + GAP
    assert sheet[top, drawn + 50].tolist() == [128, 0, 0]
    assert sheet[top, drawn + 300].tolist() == [0, 0, 128]
    assert sheet[top, drawn + CELL // 2].min() >= 127  # the border between them
    legend = sheet[GAP + BAR + CELL :].reshape(-1, 3)
    assert (legend == RED).all(axis=1).any() and (legend == BLUE).all(axis=1).any()


def test_contact_sheet__ignored_pixels_are_striped(tmp_path):
    save(tmp_path / 'a.png', np.full((40, 40, 3), 200, np.uint8))
    picture = look_into(tmp_path).pictures[0]
    labels = np.full((40, 40), 255, np.uint8)
    sheet = contact_sheet([Labelled(picture, lambda: labels)], ['a', 'b'], [RED, BLUE])
    drawn = sheet[GAP + BAR : GAP + BAR + CELL, GAP + CELL + GAP : GAP + 2 * CELL]
    colours, counts = np.unique(drawn.reshape(-1, 3), axis=0, return_counts=True)
    assert colours.tolist() == [[0, 0, 0], [200, 200, 200]]
    assert counts[0] / counts.sum() == pytest.approx(1 / 3, abs=0.01)


def test_contact_sheet__pictures_are_spread_over_all(tmp_path):
    pictures = look_into(photographs(tmp_path, [f'{i:02}.png' for i in range(30)])).pictures
    seen = []

    def labels_of(picture):
        def labels():
            seen.append(picture.name)
            return np.zeros(picture.size[::-1], np.uint8)

        return labels

    images = [Labelled(picture, labels_of(picture)) for picture in pictures]
    contact_sheet(images, ['a'], [RED], number=4)
    assert seen == ['00', '10', '19', '29']
