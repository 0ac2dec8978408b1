import itertools

import numpy as np
import pytest

from mmseg.datasets.samplers import IterationSampler, SampleStream, shuffled_index


def test_iteration_sampler__starts_in_the_middle_with_the_same_tail():
    whole = list(IterationSampler(batch_size=3, max_iters=7))
    assert whole == list(range(21))
    assert list(IterationSampler(3, start_iter=4, max_iters=7)) == whole[12:]


def test_iteration_sampler__processes_share_out_every_position_once():
    parts = [list(IterationSampler(2, 1, 4, rank, world_size=3)) for rank in range(3)]
    assert parts[1] == [8, 9, 14, 15, 20, 21]
    assert sorted(itertools.chain(*parts)) == list(range(6, 24))


def test_iteration_sampler__knows_its_length_only_where_it_ends():
    assert len(IterationSampler(3, start_iter=2, max_iters=5)) == 9
    assert len(IterationSampler(3, start_iter=9, max_iters=5)) == 0
    with pytest.raises(TypeError, match='endless'):
        len(IterationSampler(3))


def test_shuffled_index__every_epoch_holds_every_image_once_in_another_order():
    epochs = np.array([[shuffled_index(11 * e + i, 11, seed=5) for i in range(11)] for e in (0, 1)])
    np.testing.assert_array_equal(np.sort(epochs, axis=1), [np.arange(11)] * 2)
    assert (epochs[0] != epochs[1]).any()


def test_shuffled_index__depends_on_the_seed():
    orders = [[shuffled_index(i, 11, seed) for i in range(11)] for seed in (0, 1)]
    assert orders[0] != orders[1]


def test_sample_stream__asks_for_position_and_seed():
    class Recorder:
        def draw(self, position, seed):
            return {'drawn': (position, seed)}

    assert SampleStream(Recorder(), seed=7)[12345] == {'drawn': (12345, 7)}
