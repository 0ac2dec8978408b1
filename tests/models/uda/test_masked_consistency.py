"""Masked image consistency, held against the published code's figures and its definition."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mmseg.models.uda.augmentation import draw_view
from mmseg.models.uda.masked_consistency import MODES, block_mask, num_blocks
from mmseg.utils.errors import UserError
from mmseg.utils.seed import torch_generator
from tests.golden import load
from tests.golden.fill import input_for
from tests.golden.hrda_mic_inputs import scene_for
from tests.models.uda.test_dacs import CROP, INSTANCE, NORM, batch, build, gradients, sgd

BLOCKS = {'type': 'block', 'mask_ratio': 0.7, 'mask_block_size': 16}
MIC = {'mask_mode': 'separatetrg', 'mask_generator': BLOCKS}


@pytest.fixture(scope='module')
def golden():
    return load('mic')


@pytest.mark.parametrize('name', ['square', 'odd', 'half', 'small'])
def test_block_mask__equals_the_published_masks_and_masked_images(golden, name):
    draws = torch.from_numpy(golden[f'mask_{name}_grid'])
    expected = torch.from_numpy(golden[f'mask_{name}_mask'])
    height, width = expected.shape[2:]
    block = int(golden[f'mask_{name}_block'])
    assert draws.shape[2:] == (num_blocks(height, block), num_blocks(width, block))
    mask = block_mask(draws[:, 0], float(golden[f'mask_{name}_ratio']), height, width)
    assert torch.equal(mask, expected > 0)
    image = torch.from_numpy(scene_for(f'mask_{name}', (len(draws), 3, height, width)))
    masked = (image * mask)[:, :, 3::7, 2::7]
    torch.testing.assert_close(masked, torch.from_numpy(golden[f'mask_{name}_image_s7']))


def test_block_mask__hides_blocks_independently_with_the_probability_of_the_ratio(golden):
    share_kept, deviation, *_ = golden['mask_facts']
    draws = torch.rand(1000, 16, 16, generator=torch.Generator().manual_seed(0))
    shares = block_mask(draws, 0.7, 16, 16).float().mean((1, 2, 3))
    assert shares.mean().item() == pytest.approx(share_kept, abs=0.005)
    # Of 256 independent blocks: √(0.7 · 0.3 / 256).
    assert shares.std().item() == pytest.approx(math.sqrt(0.7 * 0.3 / 256), rel=0.1)
    assert shares.std().item() == pytest.approx(deviation, rel=0.1)


@pytest.mark.parametrize(('side', 'block', 'number'), [(96, 64, 2), (160, 64, 2), (1024, 64, 16)])
def test_num_blocks__rounds_half_to_even_as_published(side, block, number):
    assert num_blocks(side, block) == number


def masked_loss(dacs, img, labels, weight, iteration=0):
    """The published loss of masked images, written out; 64×96 pixels are 4×6 blocks."""
    generator = torch_generator('term mic: mask', dacs.seed, iteration)
    keep = torch.rand(len(img), 4, 6, generator=generator) > 0.7
    mask = keep.repeat_interleave(16, 1).repeat_interleave(16, 2)[:, None]
    logits = dacs.model.forward_embedding(img * mask).logits
    return (weight * F.cross_entropy(logits, labels[:, 0], reduction='none')).mean()


def pseudo_labels(dacs, img, threshold=0.2):
    with torch.no_grad():
        confidence, labels = dacs.ema_model.forward_embedding(img).logits.softmax(1).max(1)
    share = (confidence >= threshold).float().mean()
    return labels[:, None], share * torch.ones_like(confidence)


@pytest.mark.parametrize('mode', MODES)
def test_own_pass__equals_the_published_loss_written_out(mode):
    dacs = build(mask_mode=mode, mask_generator=BLOCKS)
    data = batch()
    values = dacs.train_step(data, sgd(dacs))['log_vars']
    source, target = data['img'], data['target_img']
    labels, weight = pseudo_labels(dacs, target)
    img, truth, weights = {
        'separatetrg': (target, labels, weight),
        'separatesrc': (source, data['gt_semantic_seg'], torch.ones_like(weight)),
        'separate': (
            torch.stack([source[0], target[0]]),
            torch.stack([data['gt_semantic_seg'][0], labels[0]]),
            torch.stack([torch.ones_like(weight[0]), weight[0]]),
        ),
    }[mode.removesuffix('aug')]
    if mode.endswith('aug'):
        norm = [torch.tensor(NORM[key]) for key in ('mean', 'std')]
        draws = torch_generator('term mic: view', dacs.seed, 0)
        img = draw_view(img, *norm, dacs.view, draws)
    expected = masked_loss(dacs, img, truth, weights)
    assert values['masked.decode.loss_seg'] == pytest.approx(expected.item(), rel=1e-4)


def test_own_pass__has_a_backward_pass_of_its_own_after_the_mixed_one():
    plain, masked = build(), build(**MIC)
    for dacs in (plain, masked):
        dacs.train_step(batch(), sgd(dacs))
    data = batch()
    labels, weight = pseudo_labels(masked, data['target_img'])
    loss = masked_loss(masked, data['target_img'], labels, weight)
    extra = torch.autograd.grad(loss, [*masked.model.parameters()])
    pairs = zip(gradients(masked), gradients(plain), extra, strict=True)
    for ours, theirs, more in pairs:
        torch.testing.assert_close(ours, theirs + more, rtol=2e-2, atol=1e-5)


def test_own_pass__hides_in_normalised_images_what_then_is_exactly_zero(monkeypatch):
    dacs = build(**{**MIC, 'mask_mode': 'separatetrgaug'}, color_jitter_probability=0)
    seen = []
    forward = dacs.model.forward_embedding
    monkeypatch.setattr(dacs.model, 'forward_embedding', lambda x, *a: seen.append(x) or forward(x))
    dacs.train_step(batch(), sgd(dacs))
    blocks = (seen[-1] == 0).all(1).unfold(1, 16, 16).unfold(2, 16, 16).float().mean((3, 4))
    assert set(blocks.unique().tolist()) == {0, 1}


@pytest.mark.parametrize('uda', [{}, {'instance': INSTANCE}])
def test_train_step__without_a_mask_mode_all_is_as_before_bit_for_bit(uda):
    runs = []
    for more in ({}, MIC):
        dacs = build(**uda, **more)
        values = [dict(dacs.train_step(batch(2, i), sgd(dacs))['log_vars']) for i in range(3)]
        runs.append(values)
    for plain, masked in zip(*runs, strict=True):
        assert {name: masked[name] for name in plain if name != 'loss'} == {
            name: value for name, value in plain.items() if name != 'loss'
        }
        assert set(masked) - set(plain) == {'masked.decode.loss_seg', 'masked.decode.acc_seg'}


def test_own_pass__the_weight_multiplies_the_main_loss():
    values = []
    for weight in (1, 0.5, 0):
        dacs = build(**MIC, mask_lambda=weight)
        values.append(dacs.train_step(batch(), sgd(dacs))['log_vars']['masked.decode.loss_seg'])
    whole, half, none = values
    assert half == pytest.approx(whole / 2) and none == 0 < whole


def test_pseudo_labels__a_threshold_of_its_own_weighs_anew():
    for threshold, share in ((None, 1.0), (0.999, 0.0)):
        dacs = build(**MIC, mask_pseudo_threshold=threshold)
        data = batch()
        values = dacs.train_step(data, sgd(dacs))['log_vars']
        labels, weight = pseudo_labels(dacs, data['target_img'])
        expected = masked_loss(dacs, data['target_img'], labels, share * torch.ones_like(weight))
        assert values['masked.decode.loss_seg'] == pytest.approx(expected.item(), rel=1e-4)


def test_pseudo_labels__a_momentum_of_its_own_makes_a_teacher_of_its_own():
    dacs = build(**MIC, mask_alpha=0)
    optimizer = sgd(dacs, lr=0.1)
    for seed in range(3):
        students = [p.clone() for p in dacs.model.parameters()]
        dacs.train_step(batch(2, seed), optimizer)
    own = dacs.mic.teacher.model
    assert all(map(torch.equal, students, own.parameters()))
    assert not all(map(torch.equal, students, dacs.ema_model.parameters()))
    names = {name for name in dacs.state_dict() if name.startswith('mic.')}
    kept = {f'mic.teacher.ema_model.{name}' for name in dacs.model.state_dict()}
    assert names == {*kept, 'mic.teacher.iteration'}
    again = build(**MIC, mask_alpha=0)
    again.load_state_dict(dacs.state_dict())
    steps = [each.train_step(batch(2, 7), sgd(each))['log_vars'] for each in (dacs, again)]
    assert dict(steps[0]) == dict(steps[1])


def test_source_only__trains_on_the_source_and_its_masked_images_alone():
    dacs = build(source_only=True, mask_mode='separatetrgaug', mask_generator=BLOCKS)
    data = batch()
    values = dacs.train_step(data, sgd(dacs))['log_vars']
    names = {'decode.loss_seg', 'decode.acc_seg'}
    assert set(values) == {*names, *(f'masked.{name}' for name in names), 'loss'}
    plain = build(source_only=True, mask_mode='separatesrc', mask_generator=BLOCKS)
    values = plain.train_step(data, sgd(plain))['log_vars']
    labels = data['gt_semantic_seg']
    expected = masked_loss(plain, data['img'], labels, torch.ones_like(labels[:, 0]))
    assert values['masked.decode.loss_seg'] == pytest.approx(expected.item(), rel=1e-4)


def test_instance_level__looks_at_masked_images_where_it_is_asked_to():
    more = {'instance': {**INSTANCE, 'masked': True}}
    dacs, plain = build(**MIC, **more), build(**MIC, instance=INSTANCE)
    for seed in range(4):
        values = dacs.train_step(batch(2, seed), sgd(dacs))['log_vars']
        other = plain.train_step(batch(2, seed), sgd(plain))['log_vars']
    assert values['masked.loss_instance'] > 0
    assert {name: values[name] for name in other if name != 'loss'} == {
        name: value for name, value in other.items() if name != 'loss'
    }


@pytest.mark.parametrize(
    ('uda', 'message'),
    [
        ({'mask_mode': 'target'}, "mask_mode: expected one of separatetrg, .*, got 'target'"),
        ({**MIC, 'mask_generator': {'mask_ratio': 1}}, r'mask_ratio: expected a share in \[0, 1\)'),
        ({**MIC, 'mask_generator': {'mask_ratio': -0.1}}, r'got -0\.1'),
        ({**MIC, 'mask_generator': {'mask_block_size': 0}}, 'a number of pixels from 1, got 0'),
        ({**MIC, 'mask_generator': {'type': 'cow'}}, "mask_generator.type: expected 'block'"),
        (
            {**MIC, 'mask_generator': {'ratio': 0.5}},
            r"mask_block_size .*\['ratio'\]",
        ),
        ({**MIC, 'mask_lambda': -1}, 'mask_lambda: expected a number from 0'),
        ({**MIC, 'mask_alpha': 1}, r"mask_alpha: expected 'same' or a momentum in \[0, 1\), got 1"),
        ({**MIC, 'mask_pseudo_threshold': 2}, 'mask_pseudo_threshold: expected'),
        ({'instance': {**INSTANCE, 'masked': True}}, r'instance\.masked: expected False without'),
        ({'source_only': True, 'instance': INSTANCE}, 'instance would never be asked for its weak'),
    ],
)
def test_init__refuses_what_can_not_be(uda, message):
    with pytest.raises(UserError, match=message):
        build(**uda)


def test_own_pass__blocks_larger_than_the_crop_are_refused():
    dacs = build(**{**MIC, 'mask_generator': {'mask_block_size': 200}})
    with pytest.raises(UserError, match=rf'at most a crop of {CROP[0]}×{CROP[1]} .*, got 200'):
        dacs.train_step(batch(), sgd(dacs))


def test_pseudo_labels__weigh_as_published_with_a_validity_mask(golden):
    logits = 3 * torch.from_numpy(input_for('mic_teacher_logits', (2, 7, 64, 80)))
    valid = torch.from_numpy(golden['pl_valid']).float()
    dacs = build()
    data = batch()
    step = dacs._step(data['img'], [{}] * 2, data['gt_semantic_seg'], data['img'], [{}] * 2)
    step.target_img = torch.zeros(2, 3, 64, 80)
    for step.target_valid, name in ((None, 'pl_share'), (valid, 'pl_weight_valid')):
        labels, weight = step.pseudo_labels(logits.softmax(1), threshold=0.968)
        assert torch.equal(labels, torch.from_numpy(golden['pl_label']).long())
        expected = torch.from_numpy(np.asarray(golden[name])).to(weight).expand_as(weight)
        torch.testing.assert_close(weight, expected)
    student = 2 * torch.from_numpy(input_for('mic_student_logits', (2, 7, 64, 80)))
    per_pixel = F.cross_entropy(student, labels, reduction='none')
    share = float(golden['pl_share'])
    for pixels, name in ((1, 'none'), (share, 'share'), (weight, 'valid')):
        loss = (pixels * per_pixel).mean().item()
        assert loss == pytest.approx(golden[f'pl_loss_{name}'].item(), rel=1e-3, abs=2e-4)


def test_train_step__ignored_rows_and_a_validity_mask_exclude_each_other():
    dacs = build(pseudo_weight_ignore_top=3)
    data = {**batch(), 'valid_pseudo_mask': torch.ones(2, 1, *CROP)}
    with pytest.raises(UserError, match=r'0 beside data\.train\.target\.crop_pseudo_margins'):
        dacs.train_step(data, sgd(dacs))
