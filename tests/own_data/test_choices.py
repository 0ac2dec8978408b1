"""What is chosen, and why."""

import numpy as np
import pytest

from mmseg.own_data.choices import (
    choose_batch,
    choose_crop,
    choose_encoder,
    choose_entries,
    choose_margins,
    choose_precision,
    choose_size,
)
from mmseg.own_data.pictures import look_into

from .files import photographs, save


@pytest.mark.parametrize(
    ('target', 'device', 'size'),
    [
        ((2048, 1024), 'cpu', (392, 196)),
        ((2048, 1024), 'cuda', (1024, 512)),
        ((300, 200), 'cpu', (300, 200)),
        ((20, 10), 'cpu', (32, 32)),
    ],
)
def test_choose_size__keeps_the_shape_and_bounds_the_area(target, device, size):
    choice = choose_size(target, device)
    assert choice.value == size and f'{target[0]}×{target[1]}' in choice.reason


@pytest.mark.parametrize(('size', 'side'), [((392, 196), 192), ((300, 100), 96), ((32, 32), 32)])
def test_choose_crop__is_whole_cells_that_fit(size, side):
    assert choose_crop(size, 'cpu').value == side
    assert choose_crop((1024, 512), 'cuda').value == 512


def test_choose_encoder__takes_large_weights_where_they_help():
    assert choose_encoder(True, 'cuda').value == 'mitb5'
    assert choose_encoder(False, 'cuda').value == choose_encoder(True, 'cpu').value == 'effnetlite0'


def test_choose_precision__is_half_where_a_gpu_has_it():
    assert choose_precision('cuda', True).value == 'bf16'
    assert choose_precision('cuda', False).value == choose_precision('cpu', False).value
    assert choose_precision('cpu', False).value == 'float32'


def test_choose_batch__is_the_published_one_unless_the_gpu_is_too_small_for_it():
    assert choose_batch('cuda', 7.8, 'bf16').value == choose_batch('cpu', 0, 'float32').value == 2
    small = choose_batch('cuda', 7.8, 'float32')
    assert small.value == 1
    assert small.reason == 'the GPU has 7.8 GiB, and 2 are predicted to take 8.1 of them'


def test_choose_entries__grows_with_the_classes_up_to_a_bound():
    assert [choose_entries(number).value for number in (2, 19, 150)] == [20, 190, 300]


def test_choose_margins__finds_the_bonnet(tmp_path):
    rng = np.random.default_rng(0)
    for index in range(8):
        picture = rng.integers(0, 256, (100, 80, 3), dtype=np.uint8)
        picture[80:] = 40
        save(tmp_path / f'{index}.png', picture)
    choice = choose_margins(look_into(tmp_path).pictures)
    top, bottom, left, right = choice.value
    assert (top, left, right) == (0, 0, 0) and 17 <= bottom <= 20
    assert 'the same in 8 pictures' in choice.reason


def test_choose_margins__none_where_nothing_is_still_or_too_few(tmp_path):
    photographs(tmp_path / 'many', [f'{i}.png' for i in range(6)])
    assert choose_margins(look_into(tmp_path / 'many').pictures).value is None
    photographs(tmp_path / 'few', ['a.png'])
    few = choose_margins(look_into(tmp_path / 'few').pictures)
    assert few.value is None and 'too few' in few.reason
