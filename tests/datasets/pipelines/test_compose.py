import numpy as np
import pytest

from mmseg.datasets.pipelines import Compose, Resize, with_labels, without_labels
from mmseg.datasets.randomness import generator_of


class Step:
    def __init__(self, name, is_random=False):
        self.name = name
        self.is_random = is_random

    def __call__(self, results):
        return {**results, 'seen': (*results.get('seen', ()), self.name)}


def names(pipeline):
    return [step.name for step in pipeline.transforms]


def test_compose__runs_configs_and_callables_in_order():
    pipeline = Compose([{'type': 'Resize', 'img_scale': [6, 4]}, Step('a'), Step('b')])
    results = pipeline({'img': np.zeros((8, 12, 3), np.uint8)})
    assert results['img'].shape == (4, 6, 3) and results['seen'] == ('a', 'b')


def test_compose__none_ends_the_sample():
    assert Compose([lambda results: None, Step('a')])({}) is None


@pytest.mark.parametrize(
    ('random', 'expected'),
    [
        ('bd', ('a', 'bcd', 'e')),
        ('a', ('', 'a', 'bcde')),
        ('e', ('abcd', 'e', '')),
        ('', ('', '', 'abcde')),
    ],
)
def test_split_at_random__repeats_no_more_than_needed(random, expected):
    steps = [Step(name, name in random) for name in 'abcde']
    assert tuple(''.join(names(part)) for part in Compose(steps).split_at_random()) == expected


def test_resize__is_random_only_where_it_draws():
    assert not Resize([12, 8]).is_random
    assert Resize([[12, 8], [6, 4]]).is_random and Resize([12, 8], ratio_range=[0.5, 2]).is_random


def test_without_labels__neither_reads_nor_collects():
    pipeline = [
        {'type': 'LoadAnnotations'},
        {'type': 'Collect', 'keys': ['img', 'gt_semantic_seg']},
    ]
    assert without_labels(pipeline) == [{'type': 'Collect', 'keys': ['img']}]
    assert pipeline[1]['keys'] == ['img', 'gt_semantic_seg']


def test_with_labels__reads_them_after_the_image_and_collects_them():
    resize, load = Resize([12, 8]), {'type': 'LoadImageFromFile'}
    labelled = [load, {'type': 'LoadAnnotations'}, resize]
    labelled.append({'type': 'Collect', 'keys': ['img', 'gt_semantic_seg']})
    assert with_labels([load, resize, {'type': 'Collect', 'keys': ['img']}]) == labelled
    assert with_labels(labelled) == labelled


def test_generator_of__is_kept_for_the_next_step():
    results = {}
    assert generator_of(results) is generator_of(results) is results['rng']
