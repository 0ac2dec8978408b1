import numpy as np
import pytest
import torch

from mmseg.models.uda.class_mixing import choose_classes, class_mask, mix
from tests.golden import load


def test_mix__equals_the_published_one():
    golden = {name: torch.from_numpy(array) for name, array in load('self_training').items()}
    labels = golden['mix_src_label']
    chosen = torch.zeros(len(labels), 256, dtype=torch.bool)
    chosen[:, golden['mix_classes']] = True
    mask = class_mask(labels, chosen)
    image = mix(mask, golden['mix_src'], golden['mix_tgt'])
    label = mix(mask, labels, golden['mix_tgt_label'][:, None])
    np.testing.assert_allclose(image, golden['mix_img'], atol=2e-4, rtol=1e-3)
    np.testing.assert_array_equal(label, golden['mix_label'])


@pytest.mark.parametrize(('present', 'num_chosen'), [([0, 3, 4], 2), ([1, 2, 5, 255], 2), ([7], 1)])
def test_choose_classes__takes_half_of_the_batchs_classes_rounded_up(present, num_chosen):
    labels = torch.tensor(present).repeat(3)[None, None].expand(3, 1, 4, -1)
    chosen = choose_classes(labels, torch.Generator().manual_seed(0))
    assert chosen.sum(1).tolist() == [num_chosen] * 3
    assert set(chosen.nonzero()[:, 1].tolist()) <= set(present)


def test_choose_classes__draws_for_each_image_and_depends_on_the_generator_alone():
    labels = torch.arange(20).reshape(1, 1, 4, 5).expand(3, 1, 4, 5)
    first, again, other = (
        choose_classes(labels, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert not torch.equal(first[0], first[1])


def test_choose_classes__every_class_has_its_turn():
    labels = torch.arange(6).reshape(1, 1, 2, 3)
    generator = torch.Generator().manual_seed(0)
    counts = sum(choose_classes(labels, generator)[0, :6].long() for _ in range(600))
    assert counts.min() > 250
    assert counts.max() < 350


def test_mix__changes_neither_source_nor_target():
    source, target = torch.zeros(1, 3, 2, 5), torch.ones(1, 3, 2, 5)
    mask = torch.tensor([[1, 0, 1, 0, 1]]).expand(1, 1, 2, 5)
    mixed = mix(mask, source, target)
    assert mixed[0, 0, 0].tolist() == [0, 1, 0, 1, 0]
    assert source.sum() == 0
    assert target.sum() == target.numel()
