import sys

import cv2
import pytest

from mmseg.utils.errors import UserError
from tests.apis.tiny import CROP, write_config
from tools import browse_dataset


@pytest.fixture
def browse(monkeypatch, tmp_path):
    """Draws the samples of a config; returns the picture's height and width."""

    def browse(config, *arguments):
        out = str(tmp_path / 'samples.png')
        command = ['browse_dataset', str(config), *map(str, arguments), '--out', out]
        monkeypatch.setattr(sys, 'argv', command)
        browse_dataset.main()
        return cv2.imread(out)

    return browse


def test_browse_dataset__training_shows_crops_and_their_labels(browse, tmp_path):
    picture = browse(write_config(tmp_path), '--num', 2)
    assert picture.shape[0] > 2 * CROP[0] and picture.shape[1] >= 2 * CROP[1]


def test_browse_dataset__adaptation_shows_the_target_beside_the_source(browse, tmp_path):
    alone = browse(write_config(tmp_path), '--num', 1)
    both = browse(write_config(tmp_path, uda=True), '--num', 1)
    assert both.shape[1] > alone.shape[1] + CROP[1] / 2


def test_browse_dataset__samples_are_a_function_of_seed_and_place(browse, tmp_path):
    config = write_config(tmp_path)
    first, again = (browse(config, '--num', 3) for _ in range(2))
    assert (first == again).all()
    other = browse(config, '--num', 3, '--seed', 1)
    assert other.shape != first.shape or (other != first).any()


def test_browse_dataset__validation_shows_whole_images(browse, tmp_path):
    picture = browse(write_config(tmp_path), '--part', 'val', '--num', 3)
    assert picture.shape[0] > 3 * 40 and picture.shape[1] >= 2 * 56


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--part', 'val', '--start', 2, '--num', 2], 'val holds 3 images, not 4'),
        (['--num', 0], 'expected --num from 1'),
    ],
)
def test_browse_dataset__mistakes_are_named(browse, tmp_path, arguments, message):
    with pytest.raises(UserError, match=message):
        browse(write_config(tmp_path), *arguments)
