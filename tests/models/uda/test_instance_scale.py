"""Which scale of a network of two the instance level looks at."""

from math import isfinite

import pytest
import torch

from mmseg.models import build_train_model
from mmseg.models.uda.class_vectors import class_vectors
from mmseg.models.uda.instance_level import InstanceLevel
from mmseg.ops.boxes import Box
from mmseg.utils.errors import UserError
from tests.models.segmentors.test_hrda_encoder_decoder import small_hrda
from tests.models.uda.stubs import student
from tests.models.uda.test_dacs import NORM, sgd

SIZE, CROP, STRIDE = 128, [64, 64], 4
MASKS = {
    'mask_mode': 'separatetrg',
    'mask_generator': {'type': 'block', 'mask_ratio': 0.5, 'mask_block_size': 32},
}
INSTANCE = {'num_entries': 14, 'update_interval': 1, 'momentum': 0.5, 'form': 'softmax'}


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 7, (2, 1, 8, 8), generator=generator)
    return {
        'img': torch.randn(2, 3, SIZE, SIZE, generator=generator),
        'img_metas': [{'img_norm_cfg': NORM}] * 2,
        'gt_semantic_seg': labels.repeat_interleave(16, 2).repeat_interleave(16, 3),
        'target_img': torch.randn(2, 3, SIZE, SIZE, generator=generator),
        'target_img_metas': [{'img_norm_cfg': NORM}] * 2,
    }


def method_of(scale, **settings):
    torch.manual_seed(0)
    uda = {'type': 'DACS', 'pseudo_threshold': 0.0, 'instance': {**INSTANCE, 'scale': scale}}
    uda['instance'] |= settings.pop('instance', {})
    model = small_hrda({'hr_crop_size': CROP})
    return build_train_model({'model': model, 'uda': {**uda, **settings}, 'seed': 0}).train()


def watch(monkeypatch, name):
    """Note the arguments and results of an InstanceLevel's method, which does what it does."""
    calls, original = [], getattr(InstanceLevel, name)

    def noted(self, *args):
        result = original(self, *args)
        calls.append((*args, result))
        return result

    monkeypatch.setattr(InstanceLevel, name, noted)
    return calls


def shapes(calls, place):
    return [tuple(args[place].shape[2:]) for args in calls]


# Maps of the context (half of the image), of the detail crop, and of the detail everywhere.
CONTEXT, DETAIL, EVERYWHERE = (16, 16), (16, 16), (32, 32)


@pytest.mark.parametrize(
    ('scale', 'compared', 'labelled'),
    [
        ('context', [CONTEXT], [(SIZE, SIZE)]),
        ('detail', [DETAIL], [tuple(CROP)]),
        ('both', [CONTEXT, DETAIL], [(SIZE, SIZE), tuple(CROP)]),
    ],
)
def test_scale__the_loss_compares_what_it_says(scale, compared, labelled, batch, monkeypatch):
    method = method_of(scale)
    method.train_step(batch, sgd(method))  # fills the bank
    losses = watch(monkeypatch, 'loss')
    observed = watch(monkeypatch, '_observe')
    values = dict(method.train_step(batch, sgd(method))['log_vars'])
    assert method.bank.is_full
    assert shapes(losses, 0) == shapes(losses, 1) == compared
    assert shapes(losses, 2) == labelled == shapes(losses, 3)
    ((seen, *_),) = observed
    assert [tuple(labels.shape[2:]) for _, labels in seen] == labelled
    parts = torch.stack([result.detach() for *_, result in losses])
    assert values['mix.loss_instance'] == pytest.approx(float(parts.mean()), rel=1e-5)


def test_scale__the_detail_is_compared_at_one_place(batch, monkeypatch):
    method = method_of('detail')
    method.train_step(batch, sgd(method))
    asked = []
    ask = type(method.ema_model).forward_embedding

    def noted(network, *args, **kwargs):
        found = ask(network, *args, **kwargs)
        asked.append((network, found))
        return found

    monkeypatch.setattr(type(method.ema_model), 'forward_embedding', noted)
    losses = watch(monkeypatch, 'loss')
    method.train_step(batch, sgd(method))
    (teacher,) = [found for network, found in asked if network is method.ema_model]
    mixed = [found for network, found in asked if network is method.model][1]
    assert tuple(teacher.detail.embedding.shape[2:]) == EVERYWHERE
    assert teacher.detail.box == Box(0, SIZE, 0, SIZE)
    cells = mixed.detail.box.cells(STRIDE)
    assert torch.equal(losses[0][0], cells.of(teacher.detail.embedding))
    assert losses[0][1] is mixed.detail.embedding
    assert torch.equal(losses[0][2], mixed.detail.box.of(teacher.logits.softmax(dim=1)))


def test_scale__the_bank_follows_the_mean_of_both(batch, monkeypatch):
    method = method_of('both', instance={'momentum': 0.0})
    method.train_step(batch, sgd(method))
    observed = watch(monkeypatch, '_observe')
    method.train_step(batch, sgd(method))
    ((seen, *_),) = observed
    (context, has_context), (detail, has_detail) = (class_vectors(*pair, 7) for pair in seen)
    for entry, label in zip(method.bank.features, method.bank.labels, strict=True):
        there = [
            vectors[label]
            for vectors, present in ((context, has_context), (detail, has_detail))
            if present[label]
        ]
        torch.testing.assert_close(entry, torch.stack(there).mean(dim=0))


@pytest.mark.parametrize(
    ('scale', 'sizes'),
    [('context', [CONTEXT]), ('detail', [EVERYWHERE]), ('both', [CONTEXT, EVERYWHERE])],
)
def test_scale__pseudo_labels_are_smoothed_by_what_it_says(scale, sizes, batch, monkeypatch):
    method = method_of(scale, instance={'smoothing': 0.5})
    method.train_step(batch, sgd(method))
    smoothed = watch(monkeypatch, 'smooth')
    method.train_step(batch, sgd(method))
    assert shapes(smoothed, 1) == sizes


def test_scale__masked_images_are_compared_alike(batch, monkeypatch):
    method = method_of('detail', instance={'masked': True}, **MASKS)
    method.train_step(batch, sgd(method))
    losses = watch(monkeypatch, 'loss')
    values = dict(method.train_step(batch, sgd(method))['log_vars'])
    assert shapes(losses, 1) == [DETAIL, DETAIL]
    assert isfinite(values['masked.loss_instance'])


def test_scale__keeps_what_the_network_says_as_it_is():
    network = method_of('detail').model.eval()
    image = torch.randn(1, 3, SIZE, SIZE)
    with torch.no_grad():
        plain, kept = network.forward_embedding(image), network.forward_embedding(image, None, True)
    assert plain.detail is None
    assert torch.equal(plain.logits, kept.logits)
    assert torch.equal(plain.embedding, kept.embedding)


def test_scale__is_refused_where_it_can_not_be():
    with pytest.raises(UserError, match=r"instance\.scale: expected one of .*'both'.*got 'fine'"):
        method_of('fine')
    with pytest.raises(UserError, match=r"'context' for a network of one scale .*got 'detail'"):
        InstanceLevel(student(8, 3), scale='detail')
