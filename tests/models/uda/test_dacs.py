"""The training step, held against the paper's steps written out one by one."""

import copy

import pytest
import torch
import torch.nn.functional as F

from mmseg.core.optimizer_step import OptimizerStep
from mmseg.models import build_train_model
from mmseg.models.uda.augmentation import draw_view
from mmseg.models.uda.class_mixing import choose_classes, class_mask, mix
from mmseg.models.uda.interaction import instance_loss
from mmseg.ops import Similarity
from mmseg.speed import SpeedSettings, quicken
from mmseg.utils.errors import UserError
from mmseg.utils.seed import torch_generator
from tests.models.networks import ARCHITECTURES, TWO_SCALES, small_architecture

NUM_CLASSES, CHANNELS, CROP = 5, 8, (64, 96)
NORM = {'mean': [123.675, 116.28, 103.53], 'std': [58.395, 57.12, 57.375], 'to_rgb': True}
INSTANCE = {'num_entries': 11, 'update_interval': 1, 'momentum': 0.5, 'loss_weight': 0.5}


def config(**uda):
    fusion = {
        'type': 'conv',
        'kernel_size': 1,
        'act_cfg': {'type': 'ReLU'},
        'norm_cfg': {'type': 'BN', 'requires_grad': True},
    }
    mlp = {'type': 'mlp', 'act_cfg': None, 'norm_cfg': None}
    head = {
        'type': 'DAFormerHead',
        'in_channels': [32, 64, 160, 256],
        'in_index': [0, 1, 2, 3],
        'channels': CHANNELS,
        'dropout_ratio': 0,
        'num_classes': NUM_CLASSES,
        'norm_cfg': {'type': 'BN', 'requires_grad': True},
        'align_corners': False,
        'decoder_params': {
            'embed_dims': CHANNELS,
            'embed_cfg': mlp,
            'embed_neck_cfg': mlp,
            'fusion_cfg': fusion,
        },
        'loss_decode': {'type': 'CrossEntropyLoss', 'use_sigmoid': False, 'loss_weight': 1.0},
    }
    backbone = {'type': 'mit_b0', 'drop_path_rate': 0.0}
    model = {'type': 'EncoderDecoder', 'backbone': backbone, 'decode_head': head}
    return {
        'model': model,
        'uda': {'type': 'DACS', 'pseudo_threshold': 0.2, **uda},
        'seed': 3,
    }


def build(**uda):
    torch.manual_seed(0)
    model = build_train_model(config(**uda))
    model.init_weights()
    return model.train()


def batch(size=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randint(0, NUM_CLASSES, (size, 1, 8, 12), generator=generator)
    metas = [{'img_norm_cfg': NORM}] * size
    return {
        'img': torch.randn(size, 3, *CROP, generator=generator),
        'img_metas': metas,
        'gt_semantic_seg': coarse.repeat_interleave(8, 2).repeat_interleave(8, 3),
        'target_img': torch.randn(size, 3, *CROP, generator=generator),
        'target_img_metas': metas,
    }


def sgd(model, lr=0.0):
    return torch.optim.SGD(model.model.parameters(), lr)


def plain_step(dacs, data):
    """The paper's steps 2 to 10 for a teacher and a bank that stand already, without λ_FD."""
    student, teacher = dacs.model, dacs.ema_model
    weak, classes, mixed = (
        torch_generator(part, 3, dacs.teacher.num_updates)
        for part in ('weak view', 'mixed classes', 'mixed view')
    )
    source = student.forward_embedding(data['img'])
    loss_source = F.cross_entropy(source.logits, data['gt_semantic_seg'][:, 0])

    norm = [torch.tensor(NORM[key]) for key in ('mean', 'std')]
    with torch.no_grad():
        weak_img = draw_view(data['target_img'], *norm, dacs.view, weak)
        weak = teacher.forward_embedding(weak_img)
        probs = weak.logits.softmax(1)
    confidence, label = probs.max(1)
    weight = (confidence >= 0.2).float().mean() * torch.ones_like(confidence)

    labels = data['gt_semantic_seg']
    mask = class_mask(labels, choose_classes(labels, classes))
    image = draw_view(mix(mask, data['img'], data['target_img']), *norm, dacs.view, mixed)
    mixed_label = mix(mask, labels, label[:, None])[:, 0]
    weight = mix(mask, torch.ones_like(weight)[:, None], weight[:, None])[:, 0]
    mixed = student.forward_embedding(image)
    per_pixel = F.cross_entropy(mixed.logits, mixed_label, reduction='none')
    loss_mixed = (weight * per_pixel).mean()

    bank = dacs.bank
    embeddings = (weak.embedding, mixed.embedding)
    loss_instance = instance_loss(*embeddings, probs, bank.features, bank.labels, Similarity())
    return loss_source, loss_mixed, 0.5 * loss_instance


@pytest.mark.parametrize('size', [1, 3])
def test_train_step__equals_the_papers_steps_written_out(size):
    dacs = build(instance={**INSTANCE, 'update_interval': 10**6})
    quicken(dacs, torch.device('cpu'), SpeedSettings())
    optimizer = sgd(dacs)
    seed = 0
    while not dacs.bank.is_full:
        dacs.train_step(batch(size, seed), optimizer)
        seed += 1
    reference = copy.deepcopy(dacs)
    reference.teacher.num_updates = dacs.teacher.num_updates
    data = batch(size, 99)
    log_vars = dacs.train_step(data, optimizer)['log_vars']

    losses = plain_step(reference, data)
    names = ('decode.loss_seg', 'mix.decode.loss_seg', 'mix.loss_instance')
    for name, loss in zip(names, losses, strict=True):
        assert log_vars[name] == pytest.approx(loss.item(), rel=1e-4)
    sum(losses).backward()
    gradients = zip(dacs.model.parameters(), reference.model.parameters(), strict=True)
    for ours, plain in gradients:
        if plain.grad is not None:
            torch.testing.assert_close(ours.grad, plain.grad, rtol=2e-2, atol=1e-5)


def test_train_step__without_the_instance_level_the_teacher_sees_the_target_itself():
    dacs = build(instance=None)
    dacs.capture_panels = True
    data = batch()
    log_vars = dacs.train_step(data, sgd(dacs))['log_vars']
    assert torch.equal(dacs.panels['weak'], data['target_img'])
    assert 'mix.loss_instance' not in log_vars
    assert dacs.bank is None


def test_train_step__teaches_the_student_and_moves_the_teacher_after_it():
    dacs = build(instance=INSTANCE)
    optimizer = sgd(dacs, lr=0.1)
    start = [p.clone() for p in dacs.model.parameters()]
    dacs.train_step(batch(), optimizer)
    learned = [p.clone() for p in dacs.model.parameters()]
    assert any(not torch.equal(a, b) for a, b in zip(start, learned, strict=True))
    assert all(map(torch.equal, start, dacs.ema_model.parameters()))
    dacs.train_step(batch(), optimizer)
    for old, new, mean in zip(start, learned, dacs.ema_model.parameters(), strict=True):
        torch.testing.assert_close(mean, (old + new) / 2)


def test_train_step__takes_two_backward_passes(monkeypatch):
    calls = []
    backward = torch.Tensor.backward
    monkeypatch.setattr(
        torch.Tensor, 'backward', lambda *args, **kw: calls.append(1) or backward(*args, **kw)
    )
    dacs = build(instance=INSTANCE)
    dacs.train_step(batch(), sgd(dacs))
    assert len(calls) == 2


def gradients(dacs):
    return [p.grad for p in dacs.model.parameters() if p.grad is not None]


def test_train_step__clips_the_gradients_of_both_passes_together():
    plain, clipped = build(instance=INSTANCE), build(instance=INSTANCE)
    clipped.optimizer_step = OptimizerStep({'max_norm': 0.1})
    assert 'grad_norm' not in plain.train_step(batch(), sgd(plain))['log_vars']
    norm = torch.cat([gradient.double().flatten() for gradient in gradients(plain)]).norm().float()
    log_vars = clipped.train_step(batch(), sgd(clipped))['log_vars']
    assert log_vars['grad_norm'] == pytest.approx(norm.item(), rel=1e-5)
    for ours, theirs in zip(gradients(clipped), gradients(plain), strict=True):
        torch.testing.assert_close(ours, theirs * 0.1 / (norm + 1e-6), rtol=1e-4, atol=1e-9)


def test_train_step__several_iterations_take_one_step_on_their_mean():
    plain, several = build(instance=INSTANCE), build(instance=INSTANCE)
    several.optimizer_step = OptimizerStep(cumulative_iters=2)
    sums = []
    for iteration in range(2):
        plain.train_step(batch(2, iteration), sgd(plain))
        sums.append([gradient.clone() for gradient in gradients(plain)])
    optimizer = sgd(several, lr=0.1)
    start = [p.clone() for p in several.model.parameters()]
    for iteration in range(2):
        several.optimizer_step.begin(iteration, 2)
        several.train_step(batch(2, iteration), optimizer)
        has_moved = not all(map(torch.equal, start, several.model.parameters()))
        assert has_moved == (iteration == 1)
    for ours, *theirs in zip(gradients(several), *sums, strict=True):
        torch.testing.assert_close(ours, sum(theirs) / 2, rtol=1e-3, atol=1e-6)


def test_train_step__the_teacher_moves_when_the_student_has():
    dacs = build(instance=INSTANCE, alpha=0.9)
    dacs.optimizer_step = OptimizerStep(cumulative_iters=2)
    optimizer = sgd(dacs, lr=0.1)
    students, teachers = [], []
    for iteration in range(5):
        students.append([p.clone() for p in dacs.model.parameters()])
        dacs.optimizer_step.begin(iteration, 9)
        dacs.train_step(batch(2, iteration), optimizer)
        teachers.append([p.clone() for p in dacs.ema_model.parameters()])
    assert all(map(torch.equal, teachers[0], teachers[1]))
    # One step done: α = 1 − 1/2; two done: 1 − 1/3.
    for before, student, after in zip(teachers[1], students[2], teachers[2], strict=True):
        torch.testing.assert_close(after, (before + student) / 2)
    for before, student, after in zip(teachers[3], students[4], teachers[4], strict=True):
        torch.testing.assert_close(after, (2 * before + student) / 3)


@pytest.mark.parametrize('loss', ['DiceLoss', 'LovaszLoss'])
def test_train_step__learns_by_several_losses(loss):
    settings = config(instance=INSTANCE)
    losses = [{'type': 'CrossEntropyLoss'}, {'type': loss, 'loss_weight': 0.5}]
    settings['model']['decode_head']['loss_decode'] = losses
    torch.manual_seed(0)
    dacs = build_train_model(settings)
    dacs.init_weights()
    values = dacs.train().train_step(batch(), sgd(dacs, lr=0.1))['log_vars']
    names = ['loss_ce', 'loss_dice' if loss == 'DiceLoss' else 'loss_lovasz']
    parts = [f'{prefix}decode.{name}' for prefix in ('', 'mix.') for name in names]
    assert set(parts) <= set(values)
    assert values['loss'] == pytest.approx(sum(values[part] for part in parts), rel=1e-5)
    assert all(gradient.isfinite().all() for gradient in gradients(dacs))


def test_train_step__leaves_the_batch_as_it_was():
    dacs = build(instance=INSTANCE)
    data = batch()
    kept = {name: value.clone() for name, value in data.items() if torch.is_tensor(value)}
    for _ in range(3):
        dacs.train_step(data, sgd(dacs))
    assert all(torch.equal(data[name], value) for name, value in kept.items())


def test_train_step__repeats_with_the_seed():
    runs = []
    for _ in range(2):
        dacs = build(instance=INSTANCE)
        optimizer = sgd(dacs, lr=0.1)
        runs.append([dacs.train_step(batch(2, i), optimizer)['log_vars'] for i in range(3)])
    assert runs[0] == runs[1]


def test_state_dict__carries_the_fields_names_and_resumes_exactly():
    dacs = build(instance=INSTANCE)
    for seed in range(3):
        dacs.train_step(batch(2, seed), sgd(dacs, lr=0.1))
    prefixes = {name.split('.')[0] for name in dacs.state_dict()}
    assert prefixes == {'model', 'ema_model', 'teacher', 'instance'}
    resumed = build(instance=INSTANCE)
    resumed.load_state_dict(dacs.state_dict())
    steps = [m.train_step(batch(2, 7), sgd(m, lr=0.1))['log_vars'] for m in (dacs, resumed)]
    assert steps[0] == steps[1]


def test_feature_distance__is_off_without_imagenet_weights():
    dacs = build(imnet_feature_dist_lambda=0.005, imnet_feature_dist_scale_min_ratio=0.75)
    assert not dacs.feature_distance.is_on


def test_feature_distance__starts_at_zero_with_imagenet_weights(tmp_path):
    settings = config(imnet_feature_dist_lambda=0.005, imnet_feature_dist_classes=[1, 2])
    settings['uda']['imnet_feature_dist_scale_min_ratio'] = 0.75
    weights = build().model.backbone.state_dict()
    torch.save(weights, tmp_path / 'mit_b0.pth')
    settings['model']['pretrained'] = str(tmp_path / 'mit_b0.pth')
    dacs = build_train_model(settings)
    dacs.init_weights()
    dacs.train()
    log_vars = dacs.train_step(batch(), sgd(dacs))['log_vars']
    assert log_vars['src.loss_imnet_feat_dist'] == pytest.approx(0, abs=1e-6)
    assert any(name.startswith('imnet_model.') for name in dacs.state_dict())


def with_weights(path, **uda):
    """Build a model whose ImageNet weights are at `path`, if anything is."""
    settings = config(imnet_feature_dist_lambda=0.005, **uda)
    settings['model']['pretrained'] = str(path)
    torch.manual_seed(0)
    dacs = build_train_model(settings)
    dacs.init_weights()
    return dacs


@pytest.mark.parametrize('instance', [None, INSTANCE])
def test_match_state__the_frozen_network_comes_from_the_checkpoint(tmp_path, instance):
    path = tmp_path / 'mit_b0.pth'
    torch.save(build().model.backbone.state_dict(), path)
    before = with_weights(path, instance=instance)
    before.train().train_step(batch(), sgd(before, lr=0.1))
    resumed = with_weights(tmp_path / 'gone.pth', instance=instance)
    assert not resumed.feature_distance.is_on
    resumed.match_state(before.state_dict())
    resumed.load_state_dict(before.state_dict())
    ours, theirs = resumed.imnet_model.state_dict(), before.imnet_model.state_dict()
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)
    torch.manual_seed(1)
    expected = before.train().train_step(batch(), sgd(before, lr=0.1))['log_vars']
    torch.manual_seed(1)
    values = resumed.train().train_step(batch(), sgd(resumed, lr=0.1))['log_vars']
    assert values['src.loss_imnet_feat_dist'] == expected['src.loss_imnet_feat_dist'] > 0
    assert values['loss'] == expected['loss']
    assert not any(p.requires_grad for p in resumed.imnet_model.parameters())


def test_match_state__a_feature_distance_on_one_side_only_is_said(tmp_path):
    path = tmp_path / 'mit_b0.pth'
    torch.save(build().model.backbone.state_dict(), path)
    with_it, without = with_weights(path), build()
    with pytest.raises(UserError, match=r'here uda\.imnet_feature_dist_lambda=0 switches it off'):
        without.match_state(with_it.state_dict())
    with pytest.raises(UserError, match=r'give --options uda\.imnet_feature_dist_lambda=0'):
        with_it.match_state(without.state_dict())
    for model in (with_it, without, with_weights(tmp_path / 'gone.pth')):
        model.match_state(model.state_dict())
        model.match_state(without.model.state_dict())  # of no adaptation: loading it tells


def test_feature_distance__is_off_where_weights_cannot_be_had(monkeypatch):
    settings = config(imnet_feature_dist_lambda=0.005)
    settings['model']['pretrained'] = 'https://example.org/mit_b0.pth'
    dacs = build_train_model(settings)
    assert dacs.feature_distance.is_on
    monkeypatch.setattr(
        'mmseg.models.backbones.mix_transformer.load_pretrained', lambda *_, **__: False
    )
    dacs.init_weights()
    assert not dacs.feature_distance.is_on
    assert not [name for name in dacs.state_dict() if name.startswith('imnet_model')]
    dacs.train().train_step(batch(), sgd(dacs))


def small_dacs(name, **uda):
    settings = {**config(**uda), 'model': small_architecture(name)}
    torch.manual_seed(0)
    model = build_train_model(settings)
    model.init_weights()
    return model.train()


@pytest.mark.parametrize('name', ARCHITECTURES)
def test_train_step__works_with_every_architecture(name):
    has_embedding = not name.startswith('deeplabv2')
    dacs = small_dacs(name, instance=INSTANCE if has_embedding else None)
    optimizer = sgd(dacs, 1e-3)
    for seed in range(4):
        values = dacs.train_step(batch(2, seed), optimizer)['log_vars']
    assert all(torch.tensor(value).isfinite() for value in values.values())
    assert ('mix.loss_instance' in values) == has_embedding
    if has_embedding:
        assert dacs.bank.features.shape == (11, dacs.model.embed_channels)


def test_init__an_instance_level_without_embedding_is_refused():
    with pytest.raises(UserError, match='DLV2Head has no embedding, which the instance level need'):
        small_dacs('deeplabv2red_r50-d8', instance=INSTANCE)
    message = r'DLV2Head has no embedding, .* another decode_head\.single_scale_head, such as DAF'
    with pytest.raises(UserError, match=message):
        small_dacs(TWO_SCALES[1], instance=INSTANCE)


def test_init__another_kind_of_mixing_is_refused():
    with pytest.raises(UserError, match="expected 'class', got 'cut'"):
        build(mix='cut')


def test_init__an_unknown_setting_is_refused_by_name():
    with pytest.raises(UserError, match='pseudo_treshold'):
        build(pseudo_treshold=0.9)
    with pytest.raises(UserError, match='num_entrys'):
        build(instance={'num_entrys': 3})


@pytest.mark.parametrize(
    'name',
    ['psp_r50-d8', 'aspp_r50-d8', 'upernet_ch256_mit', 'deeplabv3plus_r50-d8', 'deeplabv2red_s50'],
)
def test_train_step__a_batch_of_one_trains_with_image_level_branches(name):
    has_embedding = not name.startswith('deeplabv2')
    dacs = small_dacs(name, instance=INSTANCE if has_embedding else None)
    optimizer = sgd(dacs, 1e-3)
    for seed in range(2):
        outcome = dacs.train_step(batch(1, seed), optimizer)
    assert outcome['has_stepped']
    assert torch.tensor(outcome['log_vars']['loss']).isfinite()


@pytest.mark.parametrize('frozen', [{'norm_eval': True}, {'frozen_stages': 1}])
def test_train__the_teachers_batch_norm_trains_where_the_students_does(frozen):
    model = small_architecture('deeplabv3plus_r50-d8')
    model.backbone.update(norm_eval=False)
    model.backbone.update(frozen)
    dacs = build_train_model({**config(), 'model': model})
    dacs.init_weights()
    dacs.train()
    norms = [
        [m.training for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
        for network in (dacs.model, dacs.ema_model)
    ]
    assert norms[0] == norms[1]
    assert any(norms[0]) and not all(norms[0])


def test_train_step__target_padding_gets_no_pseudo_label():
    dacs = build(instance=None, pseudo_threshold=0.0)
    dacs.capture_panels = True
    data = batch()
    shapes = [(40, 96, 3), (64, 50, 3)]
    data['target_img_metas'] = [
        {'img_norm_cfg': NORM, 'img_shape': shape, 'pad_shape': (64, 96, 3)} for shape in shapes
    ]
    dacs.train_step(data, sgd(dacs))
    weight = dacs.panels['pseudo_weight']
    assert (weight[0, :40] == 1).all() and not weight[0, 40:].any()
    assert (weight[1, :, :50] == 1).all() and not weight[1, :, 50:].any()


@pytest.mark.parametrize(('temperature', 'share'), [(10.0, 0.0), (1e-4, 1.0)])
def test_train_step__a_temperature_makes_the_teacher_less_or_more_confident(temperature, share):
    panels = []
    for uda in ({}, {'pseudo_temperature': temperature}):
        dacs = build(instance=None, pseudo_threshold=0.9, **uda)
        dacs.capture_panels = True
        dacs.train_step(batch(), sgd(dacs))
        panels.append(dacs.panels)
    plain, other = panels
    same = plain['pseudo_label'] == other['pseudo_label']
    assert same.float().mean() > 0.99
    assert other['pseudo_weight'].mean().item() == pytest.approx(share, abs=0.05)


def test_train_step__parts_draw_alike_whatever_the_others_do():
    plain, adapted = build(instance=None), build(instance=INSTANCE)
    for dacs in (plain, adapted):
        dacs.capture_panels = True
        dacs.train_step(batch(), sgd(dacs))
    assert torch.equal(plain.panels['mixed'], adapted.panels['mixed'])


def test_forward__a_batch_of_one_domain_is_told_what_uda_needs():
    data = {key: value for key, value in batch().items() if not key.startswith('target')}
    dacs = build(instance=None)
    with pytest.raises(UserError, match=r'set data\.train to a UDADataset'):
        dacs.train_step(data, sgd(dacs))


def test_forward__crops_of_different_sizes_are_named():
    data = batch()
    data['target_img'] = data['target_img'][..., :32]
    dacs = build(instance=None)
    with pytest.raises(UserError, match=r'3×64×96 and target images 3×64×32 .* same crop_size'):
        dacs.train_step(data, sgd(dacs))


@pytest.mark.parametrize('num_bands', [1, 4, 5])
def test_train_step__images_of_any_number_of_bands_are_adapted_to(num_bands):
    settings = config(instance=INSTANCE)
    settings['model']['backbone']['in_chans'] = num_bands
    dacs = build_train_model(settings)
    dacs.init_weights()
    dacs.train()
    dacs.capture_panels = True
    data = batch()
    norm = {'mean': [100.0] * num_bands, 'std': [50.0] * num_bands, 'to_rgb': False}
    metas = [{'img_norm_cfg': norm}] * 2
    data.update(img_metas=metas, target_img_metas=metas)
    for name in ('img', 'target_img'):
        data[name] = data[name][:, :1].repeat(1, num_bands, 1, 1)
    outcome = dacs.train_step(data, sgd(dacs, 1e-3))
    assert outcome['has_stepped'] and dacs.panels['mixed'].shape[1] == num_bands
