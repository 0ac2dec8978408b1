import pytest
import torch

from mmseg.models.uda.class_vectors import class_vectors
from mmseg.models.uda.instance_level import InstanceLevel
from mmseg.utils.errors import UserError
from tests.models.uda.stubs import student

DIM, NUM_CLASSES = 4, 3
EVERYWHERE = torch.ones(2, 1, 16, 24)


def draw(batch=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    embedding = torch.rand(batch, DIM, 4, 6, generator=generator)
    labels = torch.randint(0, NUM_CLASSES, (batch, 1, 16, 24), generator=generator)
    probs = torch.randn(batch, NUM_CLASSES, 16, 24, generator=generator).softmax(1)
    return embedding, labels, probs


def filled(**settings):
    level = InstanceLevel(student(DIM, NUM_CLASSES), num_entries=7, **settings)
    seed = 0
    while not level.bank.is_full:
        embedding, labels, _ = draw(seed=seed)
        level.observe(embedding, labels, iteration=seed)
        seed += 1
    return level


def test_loss__waits_until_the_bank_is_full():
    level = InstanceLevel(student(DIM, NUM_CLASSES), num_entries=7)
    embedding, labels, probs = draw()
    assert level.loss(embedding, embedding, probs, EVERYWHERE) is None
    assert level.smooth(probs, embedding) is probs
    level.observe(embedding, labels, 0)
    assert level.loss(embedding, embedding, probs, EVERYWHERE) is None
    level.observe(embedding, labels, 1)
    assert level.loss(embedding, embedding, probs, EVERYWHERE) > 0


def test_loss__is_proportional_to_its_weight():
    embedding, _, probs = draw(seed=9)
    strong = embedding.flip(0)
    losses = [
        filled(loss_weight=weight).loss(embedding, strong, probs, EVERYWHERE)
        for weight in (0.5, 1.5)
    ]
    torch.testing.assert_close(3 * losses[0], losses[1])


def test_loss__counts_target_pixels_as_their_pseudo_labels_count():
    embedding, _, probs = draw(seed=9)
    strong = embedding.flip(0)
    weight = torch.zeros(2, 1, 16, 24)
    weight[1] = 0.3  # all of the first image is pasted
    level = filled(pixel_weights='pseudo_label')
    loss = level.loss(embedding, strong, probs, weight)
    alone = level.loss(embedding[1:], strong[1:], probs[1:], EVERYWHERE[1:])
    torch.testing.assert_close(loss, 0.3 * alone / 2)


def test_loss__pasted_pixels_pull_nowhere():
    embedding, _, probs = draw(seed=9)
    strong = embedding.flip(0).requires_grad_()
    weight = EVERYWHERE.clone()
    weight[0] = 0
    filled(pixel_weights='pseudo_label').loss(embedding, strong, probs, weight).backward()
    assert not strong.grad[0].any()
    assert strong.grad[1].any()


def test_observe__a_full_bank_moves_at_the_interval_only():
    level = filled(update_interval=5, momentum=0.5)
    embedding, labels, _ = draw(seed=9)
    before = level.bank.features.clone()
    level.observe(embedding, labels, iteration=4)
    assert torch.equal(level.bank.features, before)
    level.observe(embedding, labels, iteration=5)
    assert not torch.equal(level.bank.features, before)


@pytest.mark.parametrize('patience', [2, 4, 6])
def test_observe__what_a_class_did_not_fill_goes_to_others_after_a_while(patience):
    level = InstanceLevel(student(DIM, NUM_CLASSES), num_entries=7, fill_patience=patience)
    embedding, labels, probs = draw()
    full_since = None
    for iteration in range(9):
        level.observe(embedding, labels.clamp(max=1), iteration)  # class 2 never comes up
        if full_since is None and level.bank.is_full:
            full_since = iteration
    assert full_since == patience
    assert level.bank.class_counts().tolist() == [4, 3, 0]
    assert level.loss(embedding, embedding, probs, EVERYWHERE) > 0


def test_observe__a_run_resumed_while_it_waits_fills_the_bank_like_one_that_went_on():
    settings = {'num_entries': 9, 'fill_patience': 5}
    whole, resumed = (InstanceLevel(student(DIM, NUM_CLASSES), **settings) for _ in range(2))
    for iteration in range(12):
        if iteration in (3, 5, 6):
            resumed = InstanceLevel(student(DIM, NUM_CLASSES), **settings)
            resumed.load_state_dict(whole.state_dict())
        embedding, labels, _ = draw(batch=1, seed=iteration)
        labels = labels.clamp(min=1)
        for level in (whole, resumed):
            level.observe(embedding, labels, iteration)
    assert whole.bank.is_full
    assert torch.equal(whole.bank.features, resumed.bank.features)
    assert torch.equal(whole.bank.labels, resumed.bank.labels)


def test_observe__momentum_that_ramps_makes_a_mean_of_all_vectors_at_first():
    level = filled(momentum_ramps=True, momentum=0.75, update_interval=1)
    labels = level.bank.labels
    vectors = [level.bank.features.clone()]
    for seed in range(20, 26):
        embedding, classes, _ = draw(seed=seed)
        means, present = class_vectors(embedding, classes, NUM_CLASSES)
        assert present.all()
        vectors.append(means[labels])
        level.observe(embedding, classes, iteration=seed)
        if len(vectors) == 4:
            torch.testing.assert_close(level.bank.features, torch.stack(vectors).mean(0))
    # From 1 - 1/(k+1) > 0.75 on it is a moving one.
    expected = torch.stack(vectors[:4]).mean(0)
    for value in vectors[4:]:
        expected = 0.75 * expected + 0.25 * value
    torch.testing.assert_close(level.bank.features, expected)
    assert 'num_updates' in level.state_dict()
    assert 'num_updates' not in filled().state_dict()


def test_observe__vectors_of_images_take_the_place_of_the_oldest_entries():
    level = filled(follows='image', update_interval=1)
    expected = [level.bank.features[level.bank.labels == c] for c in range(NUM_CLASSES)]
    for seed in range(20, 23):
        embedding, classes, _ = draw(seed=seed)
        level.observe(embedding, classes, iteration=seed)
        for i in range(len(embedding)):
            means, present = class_vectors(embedding[i : i + 1], classes[i : i + 1], NUM_CLASSES)
            assert present.all()
            expected = [
                torch.cat([entries[1:], mean[None]])
                for entries, mean in zip(expected, means, strict=True)
            ]
    for c, entries in enumerate(expected):
        ours = level.bank.features[level.bank.labels == c]
        place = int(level.turns[c]) % len(ours)
        torch.testing.assert_close(ours.roll(-place, 0), entries)
    assert 'turns' in level.state_dict() and 'turns' not in filled().state_dict()


def test_observe__a_bank_is_filled_from_an_iteration_on():
    level = InstanceLevel(student(DIM, NUM_CLASSES), num_entries=7, fill_from=5)
    for iteration in range(8):
        embedding, labels, _ = draw(seed=iteration)
        level.observe(embedding, labels, iteration)
        assert (level.bank.num_filled > 0) == (iteration >= 5)
    assert level.bank.is_full


def test_init__patience_is_three_iterations_an_entry():
    assert InstanceLevel(student(DIM, NUM_CLASSES), num_entries=7).fill_patience == 21


@pytest.mark.parametrize('form', ['sum', 'softmax'])
def test_smooth__stays_a_distribution(form):
    embedding, _, probs = draw(batch=3, seed=9)
    smoothed = filled(smoothing=0.9, form=form).smooth(probs, embedding)
    assert not torch.equal(smoothed, probs)
    torch.testing.assert_close(smoothed.sum(1), torch.ones(3, 16, 24))


def test_init__a_bank_file_fills_the_bank(tmp_path):
    level = filled()
    level.bank.save(tmp_path)
    other = InstanceLevel(student(DIM, NUM_CLASSES), bank_file=str(tmp_path))
    assert other.bank.is_full
    assert torch.equal(other.bank.features, level.bank.features)


@pytest.mark.parametrize(
    'settings',
    [
        {'vectors': 'median'},
        {'form': 'max'},
        {'num_entries': 0},
        {'momentum': 1.5},
        {'smoothing': -0.1},
        {'temperature': 0},
        {'update_interval': 0},
        {'fill_patience': 0},
        {'fill_patience': -5},
        {'fill_from': -1},
        {'follows': 'pixel'},
    ],
)
def test_init__settings_out_of_range_are_refused_by_name(settings):
    (name,) = settings
    with pytest.raises(UserError, match=rf'uda\.instance\.{name}: expected'):
        InstanceLevel(student(DIM, NUM_CLASSES), **settings)
