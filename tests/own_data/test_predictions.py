"""Predictions under the names that pictures have."""

from types import SimpleNamespace

import numpy as np
from PIL import Image

from mmseg.apis.inference import Segmentation
from mmseg.own_data.pictures import look_into
from mmseg.own_data.predictions import output_names, save_palette_png, write_predictions

from .files import photographs

PALETTE = [[200, 0, 0], [0, 0, 200]]


class HalfAndHalf:
    """Sees the second class in the right half, with a confidence of 0.6; counts its calls."""

    model = SimpleNamespace(PALETTE=PALETTE)
    num_calls = 0

    def __call__(self, paths):
        self.num_calls += 1
        with Image.open(paths[0]) as image:
            width, height = image.size
        labels = np.zeros((height, width), np.uint8)
        labels[:, width // 2 :] = 1
        return [Segmentation(labels, np.full(labels.shape, 0.6, np.float32))]


def test_write_predictions__three_files_of_each_picture_of_its_size(tmp_path):
    photographs(tmp_path / 'field', ['ü a.jpg', 'x/b.PNG'])
    pictures = look_into(photographs(tmp_path / 'field', ['x/c.png'], (30, 20))).pictures
    segmenter = HalfAndHalf()
    assert write_predictions(segmenter, pictures, tmp_path / 'out') == []
    for name, size in (('ü a', (64, 48)), ('x/b', (64, 48)), ('x/c', (30, 20))):
        with Image.open(tmp_path / f'out/predictions/{name}.png') as labels:
            assert labels.mode == 'P' and labels.size == size
            assert labels.getpixel((0, 0)) == 0 and labels.getpixel((size[0] - 1, 0)) == 1
            assert labels.convert('RGB').getpixel((size[0] - 1, 0)) == (0, 0, 200)
        with Image.open(tmp_path / f'out/confidence/{name}.png') as confidence:
            assert confidence.mode == 'L' and confidence.getpixel((0, 0)) == 153
        assert (tmp_path / f'out/overlays/{name}.jpg').is_file()
    write_predictions(segmenter, pictures, tmp_path / 'out')
    assert segmenter.num_calls == 3


def test_write_predictions__what_can_not_be_read_is_named(tmp_path):
    pictures = look_into(photographs(tmp_path / 'field', ['a.png', 'b.png'])).pictures
    pictures[0].path.unlink()
    (line,) = write_predictions(HalfAndHalf(), pictures, tmp_path / 'out')
    assert line.startswith('a: no image at ')
    assert [p.name for p in (tmp_path / 'out/predictions').iterdir()] == ['b.png']


def test_output_names__pictures_of_one_stem_keep_their_suffix(tmp_path):
    names = ['a.jpg', 'a.png', 'p/b.png', 'q/b.png']
    found = output_names(look_into(photographs(tmp_path, names)).pictures)
    assert found == ['a.jpg', 'a.png', 'p/b', 'q/b']


def test_save_palette_png__knows_more_classes_than_colours(tmp_path):
    labels = np.arange(6, dtype=np.int64).reshape(2, 3)
    save_palette_png(labels, PALETTE, tmp_path / 'a.png')
    with Image.open(tmp_path / 'a.png') as image:
        assert (np.asarray(image) == labels).all()
