import base64
import io

import numpy as np
from PIL import Image

from mmseg.core.examples import ExampleWriter, coloured_uri, errors, read_examples, shaded
from tests.report.work_dirs import CLASSES, PALETTE, write_examples


def pixels(uri):
    data = base64.b64decode(uri.partition('base64,')[2])
    return np.asarray(Image.open(io.BytesIO(data)).convert('RGB'))


def test_examples__come_back_as_they_were_kept(tmp_path):
    write_examples(tmp_path, ['student', 'teacher'])
    examples = read_examples(tmp_path)
    assert examples.classes == CLASSES and examples.palette == PALETTE
    first, second = examples.items
    assert first.name == 'city/0.png' and set(second.predictions) == {'student', 'teacher'}
    assert (first.labels[:5] == 255).all() and set(np.unique(first.labels[5:])) == {0, 1, 2}
    assert pixels(first.image).shape == (30, 60, 3)
    assert list(first.uncertainty) == ['entropy of student', 'entropy of teacher']
    doubts = first.uncertainty['entropy of teacher']
    assert (doubts[0, 0], doubts[-1, -1]) == (0, 255)
    dark, bright = (pixels(shaded(np.full((2, 3), value, np.uint8))).mean() for value in (0, 255))
    assert dark < bright


def test_examples__a_work_dir_without_any(tmp_path):
    assert read_examples(tmp_path) is None


def test_example_writer__large_images_are_kept_small_and_labels_unmixed(tmp_path):
    labels = np.zeros((800, 1600), np.int64)
    labels[:, 801:] = 2
    image = np.zeros((800, 1600, 3), np.uint8)
    ExampleWriter(tmp_path, CLASSES, PALETTE).add(0, 'x', image, labels, labels, 'student')
    (example,) = read_examples(tmp_path).items
    assert example.labels.shape == (320, 640) and set(np.unique(example.labels)) == {0, 2}
    assert (tmp_path / 'report' / '00' / 'labels.png').stat().st_size < 5000


def test_coloured_uri__classes_in_their_colours():
    np.testing.assert_array_equal(
        pixels(coloured_uri(np.array([[0, 2, 255]]), PALETTE)),
        [[PALETTE[0], PALETTE[2], [0, 0, 0]]],
    )


def test_errors__wrong_pixels_are_red_and_unlabelled_ones_dark():
    picture = pixels(errors(np.array([[0, 1, 2]]), np.array([[0, 2, 255]])))
    np.testing.assert_array_equal(picture, [[[255, 255, 255], [220, 38, 38], [20, 20, 20]]])
