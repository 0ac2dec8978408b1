import pkgutil

import pytest
import torch
from torch import nn

from mmseg.apis import build_optimizer
from mmseg.apis.optimizer import build_optimizer_hook, unmatched_keys
from mmseg.core.adaptation import AdaptationMethod
from mmseg.models.backbones import TimmBackbone
from mmseg.utils.errors import UserError

PAPER = {
    'type': 'AdamW',
    'lr': 1e-3,
    'betas': (0.8, 0.99),
    'weight_decay': 0.01,
    'paramwise_cfg': {'custom_keys': {'head': {'lr_mult': 10.0}, 'norm': {'decay_mult': 0.0}}},
}


class Student(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone, self.norm = nn.Linear(3, 3), nn.LayerNorm(3)
        self.decode_head = nn.Linear(3, 2)
        self.frozen = nn.Parameter(torch.zeros(3), requires_grad=False)


class SelfTraining(AdaptationMethod):
    def __init__(self):
        super().__init__()
        self.model, self.ema_model = Student(), Student()

    def get_model(self):
        return self.model


def settings_of(optimizer, parameter):
    (group,) = [g for g in optimizer.param_groups if any(p is parameter for p in g['params'])]
    return group['lr'], group['weight_decay'], group['betas']


def test_build_optimizer__head_and_norm_have_their_own_settings():
    model = Student()
    optimizer = build_optimizer(model, PAPER)
    betas = (0.8, 0.99)
    assert settings_of(optimizer, model.backbone.weight) == (1e-3, 0.01, betas)
    assert settings_of(optimizer, model.norm.bias) == (1e-3, 0.0, betas)
    assert settings_of(optimizer, model.decode_head.bias) == (1e-2, 0.01, betas)
    assert len(optimizer.param_groups) == 3


def test_build_optimizer__wants_nothing_that_python_3_14_took_out(monkeypatch):
    monkeypatch.delattr(pkgutil, 'find_loader', raising=False)
    assert len(build_optimizer(Student(), PAPER).param_groups) == 3


def test_build_optimizer__rates_of_an_encoder_fall_from_block_to_block_towards_the_image():
    model = Student()
    model.backbone = TimmBackbone('vit_tiny_patch16_224')
    paramwise = {**PAPER['paramwise_cfg'], 'layer_decay': 0.5}
    optimizer = build_optimizer(model, {**PAPER, 'paramwise_cfg': paramwise})
    body = model.backbone.body
    rates = [
        settings_of(optimizer, parameter)[0]
        for parameter in (
            model.decode_head.weight,
            body.blocks[11].attn.qkv.weight,
            body.blocks[10].attn.qkv.weight,
            body.blocks[0].mlp.fc1.bias,
            body.patch_embed.proj.weight,
            body.pos_embed,
        )
    ]
    depths = (0, 1, 2, 12, 13, 13)
    assert rates == pytest.approx([1e-2, *(1e-3 * 0.5**depth for depth in depths[1:])])
    assert settings_of(optimizer, body.blocks[0].norm1.weight)[1] == 0
    assert len(optimizer.param_groups) < 40


def test_build_optimizer__only_the_students_learning_parameters_enter():
    model = SelfTraining()
    optimizer = build_optimizer(model, PAPER)
    entered = {id(p) for group in optimizer.param_groups for p in group['params']}
    assert entered == {id(p) for p in model.model.parameters() if p.requires_grad}


def test_build_optimizer__one_step_equals_separate_groups():
    torch.manual_seed(0)
    model = Student()
    reference = Student()
    reference.load_state_dict(model.state_dict())
    separate = [
        {'params': [p], 'lr': 1e-2 if 'head' in name else 1e-3}
        | {'weight_decay': 0.0 if 'norm' in name else 0.01}
        for name, p in reference.named_parameters()
        if p.requires_grad
    ]
    pairs = [
        (model, build_optimizer(model, PAPER)),
        (reference, torch.optim.AdamW(separate, betas=(0.8, 0.99))),
    ]
    for network, optimizer in pairs:
        network.decode_head(
            network.norm(network.backbone(torch.ones(4, 3)))
        ).square().sum().backward()
        optimizer.step()
    for ours, theirs in zip(model.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'type': 'AdamWX'}, "no optimizer 'AdamWX'; did you mean .*'AdamW'"),
        ({'weight_decai': 0.1}, "no setting 'weight_decai'; did you mean .*'weight_decay'"),
    ],
)
def test_build_optimizer__slips_name_what_was_meant(change, message):
    with pytest.raises(UserError, match=message):
        build_optimizer(Student(), {**PAPER, **change})


@pytest.mark.parametrize(
    ('paramwise', 'message'),
    [
        ({'custom_key': {}}, "paramwise_cfg has no setting 'custom_key'; did .* 'custom_keys'"),
        ({'norm_decay_multi': 0}, "no setting 'norm_decay_multi'; .*'norm_decay_mult'"),
        ({'custom_keys': {'head': {'lr_mul': 10}}}, r"custom_keys\.head has no setting 'lr_mul'"),
        ({'layer_decay': 0}, r'layer_decay: expected a number in \(0, 1\], got 0'),
        ({'layer_decay': '0.9'}, r'layer_decay: expected a number'),
        ({'layer_decay': 0.9}, 'Linear does not say how deep its layers lie'),
        ({'custom_keys': {'head': 10}}, r'custom_keys\.head: expected a dict of lr_mult'),
    ],
)
def test_build_optimizer__slips_in_settings_of_parameters_are_told(paramwise, message):
    with pytest.raises(UserError, match=message):
        build_optimizer(Student(), {**PAPER, 'paramwise_cfg': paramwise})


def test_unmatched_keys__are_those_that_no_parameter_has_in_its_name():
    keys = {'head': {}, 'norm': {}, 'neck': {}, 'pos_block': {}}
    cfg = {**PAPER, 'paramwise_cfg': {'custom_keys': keys}}
    assert unmatched_keys(Student(), cfg) == unmatched_keys(SelfTraining(), cfg)
    assert unmatched_keys(Student(), cfg) == ['neck', 'pos_block']
    assert unmatched_keys(Student(), {'type': 'AdamW'}) == []


def test_build_optimizer__takes_the_fused_step_unless_told_otherwise():
    for settings, fused in (({}, True), ({'fused': False}, False)):
        optimizer = build_optimizer(Student(), {**PAPER, **settings})
        assert all(group['fused'] is fused for group in optimizer.param_groups)
    meta = build_optimizer(Student().to('meta'), PAPER)
    assert not any(group['fused'] for group in meta.param_groups)


@pytest.mark.parametrize('cfg', [None, {}, {'grad_clip': None}, {'type': 'OptimizerHook'}])
def test_build_optimizer_hook__nothing_said_is_a_plain_step(cfg):
    assert build_optimizer_hook(cfg).optimizer_step.is_plain


def test_build_optimizer_hook__clipping_and_windows_reach_the_step():
    step = build_optimizer_hook({'grad_clip': {'max_norm': 35, 'norm_type': 2}}).optimizer_step
    assert step.grad_clip == {'max_norm': 35, 'norm_type': 2} and step.cumulative_iters == 1
    kind = 'GradientCumulativeOptimizerHook'
    step = build_optimizer_hook({'type': kind, 'cumulative_iters': 4}).optimizer_step
    assert step.grad_clip is None and step.cumulative_iters == 4


@pytest.mark.parametrize(
    ('cfg', 'message'),
    [
        ({'type': 'NoSuchHook', 'foo': 1}, "optimizer_config.type: 'NoSuchHook' is none that"),
        ({'type': 'TextLoggerHook'}, "'TextLoggerHook' is none .*'OptimizerHook'"),
        ({'type': 'Fp16OptimizerHook'}, "'Fp16OptimizerHook' is none"),
        ({'type': 3}, "'3' is none|3 is none"),
        ({'gradclip': {'max_norm': 1}}, "no setting 'gradclip'; did you mean 'grad_clip'"),
        ({'cumulative_iters': 2}, "OptimizerHook has no setting 'cumulative_iters'"),
        ({'grad_clip': 35}, 'grad_clip: expected .*, got 35'),
        (
            {'type': 'GradientCumulativeOptimizerHook', 'cumulative_iters': 2.5},
            'cumulative_iters: expected int, got 2.5',
        ),
    ],
)
def test_build_optimizer_hook__what_nobody_heeds_is_refused(cfg, message):
    with pytest.raises(UserError, match=message) as refusal:
        build_optimizer_hook(cfg)
    assert '\n' not in str(refusal.value)
