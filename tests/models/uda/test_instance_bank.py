import numpy as np
import pytest
import torch

from mmseg.models.uda.instance_bank import InstanceBank, class_quotas
from mmseg.utils.errors import UserError
from tests.golden import load


def filled_bank(num_entries=7, dim=3, num_classes=2):
    bank = InstanceBank(num_entries, dim, num_classes)
    vectors = torch.rand(1, num_classes, dim)
    while not bank.is_full:
        bank.fill_(vectors, torch.ones(1, num_classes, dtype=torch.bool))
    return bank


def test_update__equals_the_published_one():
    golden = {name: torch.from_numpy(array) for name, array in load('dual_level').items()}
    bank = InstanceBank(57, 256, 19)
    bank.features.copy_(golden['bank_features'])
    bank.labels.copy_(golden['bank_labels'])
    labels = golden['upd_label'][0, 0]
    pixels = golden['upd_feat'][0].permute(1, 2, 0)
    present = torch.zeros(19, dtype=torch.bool)
    vectors = torch.zeros(19, 256)
    for c in golden['upd_present'].tolist():
        present[c] = True
        vectors[c] = pixels[labels == c].mean(0)
    bank.update_(vectors, present, float(golden['upd_momentum']))
    np.testing.assert_allclose(bank.features, golden['upd_bank_after'], atol=2e-4, rtol=1e-3)


def test_update__leaves_entries_of_absent_classes_alone():
    bank = filled_bank()
    before = bank.features.clone()
    bank.update_(torch.full((2, 3), 9.0), torch.tensor([True, False]), 0.9)
    moved = (bank.features != before).any(1)
    assert moved.tolist() == (bank.labels == 0).tolist()
    torch.testing.assert_close(bank.features[moved], 0.9 * before[moved] + 0.1 * 9.0)


def test_update__leaves_unfilled_entries_alone():
    bank = InstanceBank(4, 3, 2)
    bank.update_(torch.ones(2, 3), torch.tensor([True, True]), 0.5)
    assert bank.features.abs().sum() == 0


def test_update__vectors_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r'expected vectors \(2, 3\)'):
        filled_bank().update_(torch.ones(2, 4), torch.tensor([True, True]), 0.5)


def test_fill__takes_one_entry_per_class_and_image_up_to_the_quotas():
    bank = InstanceBank(6, 1, 3)
    vectors = torch.arange(6.0).reshape(2, 3, 1)
    present = torch.tensor([[True, True, False], [True, False, False]])
    assert bank.fill_(vectors, present) == 3
    assert bank.class_counts().tolist() == [2, 1, 0]
    assert sorted(bank.features[bank.labels == 0, 0].tolist()) == [0, 3]
    assert bank.fill_(vectors, present) == 1
    assert bank.class_counts().tolist() == [2, 2, 0]
    assert not bank.is_full
    present[:] = True
    assert bank.fill_(vectors, present) == 2
    assert bank.is_full
    assert bank.fill_(vectors, present) == 0


def test_fill__classes_that_the_source_lacks_give_up_their_entries():
    bank = InstanceBank(5, 1, 3)
    bank.set_class_pixels([100, 0, 3])
    while not bank.is_full:
        assert bank.fill_(torch.ones(1, 3, 1), torch.tensor([[True, False, True]])) > 0
    assert bank.class_counts().tolist() == [2, 0, 3]


def fill_until_it_stops(bank, seen):
    """Fill from images that show these classes only."""
    present = torch.zeros(1, bank.num_classes, dtype=torch.bool)
    present[:, list(seen)] = True
    while bank.fill_(torch.ones(1, bank.num_classes, bank.features.shape[1]), present):
        pass


@pytest.mark.parametrize(
    ('num_entries', 'pixels', 'seen', 'quotas'),
    [
        (6, [9, 5, 1], [0, 1], [3, 3, 0]),  # the rarest is never seen
        (7, [9, 5, 1], [0, 2], [3, 0, 4]),  # what is left over goes to the rarest seen
        (10, [9, 5, 7, 1, 3], [3], [0, 0, 0, 10, 0]),  # one class is left
        (3, [9, 5, 7, 1, 3], [0, 2, 4], [1, 0, 1, 0, 1]),  # fewer entries than classes
        (5, [9, 0, 1], [0], [5, 0, 0]),  # a class without a pixel had no share
    ],
)
def test_share_out__entries_of_classes_never_seen_go_to_the_others(
    num_entries, pixels, seen, quotas
):
    bank = InstanceBank(num_entries, 2, len(pixels))
    bank.set_class_pixels(pixels)
    for _ in range(len(pixels)):
        fill_until_it_stops(bank, seen)
        bank.share_out_()
    assert bank.is_full
    assert bank.quotas == quotas == bank.class_counts().tolist()


def test_share_out__a_class_keeps_the_entries_it_has():
    bank = InstanceBank(9, 1, 3)
    bank.fill_(torch.full((1, 3, 1), 7.0), torch.tensor([[True, False, False]]))
    fill_until_it_stops(bank, [1, 2])
    bank.share_out_()
    assert bank.quotas == [1, 4, 4]
    fill_until_it_stops(bank, [0, 1, 2])
    assert bank.is_full
    assert bank.features[bank.labels == 0].tolist() == [[7.0]]


def test_share_out__classes_that_fill_slowly_only_replace_those_never_seen():
    bank = InstanceBank(9, 1, 3)
    bank.fill_(torch.ones(1, 3, 1), torch.tensor([[True, True, False]]))
    bank.share_out_()
    assert bank.quotas == [5, 4, 0]


def test_share_out__without_any_class_seen_all_wait():
    bank = InstanceBank(6, 1, 3)
    bank.share_out_()
    assert bank.quotas == [2, 2, 2]


def test_share_out__a_full_bank_stays_as_it_is():
    bank = filled_bank()
    before = bank.quotas
    bank.share_out_()
    assert bank.quotas == before


def test_fill__a_class_that_the_statistics_do_not_count_takes_part_once_it_is_seen():
    bank = InstanceBank(6, 1, 3)
    bank.set_class_pixels([9, 5, 0])
    bank.fill_(torch.ones(1, 3, 1), torch.tensor([[True, True, True]]))
    assert bank.class_counts().tolist() == [1, 1, 1]
    assert bank.quotas == [2, 2, 2]


def test_state_dict__brings_back_entries_shared_out_anew():
    bank = InstanceBank(7, 2, 3)
    bank.set_class_pixels([7, 1, 2])
    bank.fill_(torch.ones(1, 3, 2), torch.tensor([[True, False, False]]))
    fill_until_it_stops(bank, [2])
    bank.share_out_()
    other = InstanceBank(7, 2, 3)
    other.load_state_dict(bank.state_dict())
    assert other.quotas == bank.quotas == [1, 0, 6]
    fill_until_it_stops(bank, [0, 2])
    fill_until_it_stops(other, [0, 2])
    assert torch.equal(bank.labels, other.labels)


def test_state_dict__has_the_keys_of_older_checkpoints():
    assert list(InstanceBank(7, 2, 3).state_dict()) == ['features', 'labels', 'class_pixels']


@pytest.mark.parametrize(
    ('num_entries', 'pixels', 'quotas'),
    [
        (6, [5, 5, 5], [2, 2, 2]),
        (7, [9, 1, 5], [2, 3, 2]),
        (8, [9, 1, 5], [2, 3, 3]),
        (2, [9, 1, 5], [0, 1, 1]),
        (5, [9, 0, 5], [2, 0, 3]),
    ],
)
def test_class_quotas__are_equal_up_to_one_and_favour_the_rare(num_entries, pixels, quotas):
    assert class_quotas(num_entries, pixels) == quotas


def test_class_quotas__a_source_without_pixels_is_refused():
    with pytest.raises(ValueError, match='at least one class'):
        class_quotas(5, [0, 0])


@pytest.mark.parametrize('sizes', [(0, 3, 2), (4, -1, 2), (4, 3, 0)])
def test_init__sizes_that_are_not_positive_are_refused(sizes):
    with pytest.raises(ValueError, match='expected positive sizes'):
        InstanceBank(*sizes)


def test_state_dict__brings_back_a_partly_filled_bank():
    bank = InstanceBank(5, 2, 3)
    bank.set_class_pixels([7, 1, 2])
    bank.fill_(torch.rand(1, 3, 2), torch.tensor([[True, False, True]]))
    other = InstanceBank(5, 2, 3)
    other.load_state_dict(bank.state_dict())
    assert other.num_filled == 2
    assert other.quotas == bank.quotas
    torch.testing.assert_close(other.features, bank.features)


def test_save__from_file_brings_it_back(tmp_path):
    bank = filled_bank()
    bank.save(tmp_path / 'bank')
    back = InstanceBank.from_file(tmp_path / 'bank', dim=3, num_classes=2)
    assert back.is_full
    torch.testing.assert_close(back.features, bank.features)
    torch.testing.assert_close(back.labels, bank.labels)
    assert sorted(path.name for path in (tmp_path / 'bank').iterdir()) == [
        'f_buffer_s.npz',
        'l_buffer_s.npz',
    ]


def test_from_file__labels_of_minus_one_count_as_unfilled(tmp_path):
    np.savez(tmp_path / 'f_buffer_s.npz', np.ones((3, 2), np.float32))
    np.savez(tmp_path / 'l_buffer_s.npz', np.array([0, -1, 1]))
    assert InstanceBank.from_file(tmp_path).num_filled == 2


def test_from_file__another_dimension_is_refused(tmp_path):
    filled_bank().save(tmp_path)
    with pytest.raises(UserError, match=r'expected bank entries of 64 channels.*got 3'):
        InstanceBank.from_file(tmp_path, dim=64, num_classes=2)


def test_from_file__another_class_count_is_refused(tmp_path):
    filled_bank(num_classes=5).save(tmp_path)
    with pytest.raises(UserError, match='expected bank labels for 2 classes'):
        InstanceBank.from_file(tmp_path, dim=3, num_classes=2)


def test_from_file__a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r'f_buffer_s\.npz not found'):
        InstanceBank.from_file(tmp_path)


def test_from_file__a_damaged_file_is_named(tmp_path):
    filled_bank().save(tmp_path)
    (tmp_path / 'l_buffer_s.npz').write_bytes(b'PK')
    with pytest.raises(UserError, match=r'l_buffer_s\.npz'):
        InstanceBank.from_file(tmp_path)


def test_from_file__features_and_labels_of_different_number_are_refused(tmp_path):
    np.savez(tmp_path / 'f_buffer_s.npz', np.ones((3, 2), np.float32))
    np.savez(tmp_path / 'l_buffer_s.npz', np.array([0, 1]))
    with pytest.raises(UserError, match='2 labels and 3 features'):
        InstanceBank.from_file(tmp_path)
