"""The whole step with HRDA and MIC, everything random pinned, against the published figures."""

import copy

import pytest
import torch
import torch.nn.functional as F

from mmseg.models import build_train_model
from mmseg.models.uda import DACS, dacs, masked_consistency
from mmseg.models.uda.base import Step
from mmseg.ops.boxes import Box
from tests.golden import load
from tests.golden.hrda_mic_inputs import fill_sharp, scene_for
from tests.models.segmentors.test_hrda_encoder_decoder import small_hrda
from tests.models.uda.test_dacs import NORM, sgd

PASSES = ('source', 'mixed', 'masked')
BLOCKS = {'type': 'block', 'mask_ratio': 0.7, 'mask_block_size': 64}
MASKS = {'mask_mode': 'separatetrg', 'mask_generator': BLOCKS}


def images(name):
    return torch.from_numpy(scene_for(name, (2, 3, 256, 256)))


def pin(monkeypatch, boxes=None, grid=None, mix_classes=None):
    """Let boxes, the mask's draws and the pasted classes be those of the golden file."""
    if boxes is not None:
        measure = Step.measure

        def pinned(step, img, labels, weight=None, part='source'):
            step.student.draw_crop = lambda size, generator=None: boxes[part]
            return measure(step, img, labels, weight, part)

        monkeypatch.setattr(Step, 'measure', pinned)
    if grid is not None:
        mask = masked_consistency.block_mask
        monkeypatch.setattr(
            masked_consistency, 'block_mask', lambda draws, *args: mask(grid[: len(draws)], *args)
        )
    if mix_classes is not None:
        mix_classes = F.one_hot(mix_classes, 256).sum(1) > 0
        monkeypatch.setattr(dacs, 'choose_classes', lambda labels, generator: mix_classes)


def train_once(uda, segmentor, data, start=5):
    """Build networks with the golden weights and take the step of iteration t = 5."""
    config = {
        'model': small_hrda(segmentor),
        'uda': {
            'type': 'DACS',
            'pseudo_threshold': 0.6,
            'blur': False,
            'color_jitter_strength': 0.0,
            **uda,
        },
        'seed': 0,
    }
    method = build_train_model(config)
    method.train()
    fill_sharp(method.model, 0)
    fill_sharp(method.ema_model, 10)
    for network in method._networks.values():
        fill_sharp(network, 20)
    method.teacher.num_updates = start
    values = dict(method.train_step(data, sgd(method))['log_vars'])
    return method, values


@pytest.fixture(scope='module')
def golden():
    arrays = load('hrda_mic_step')
    arrays.pop('param_names')
    return {key: torch.from_numpy(value) for key, value in arrays.items()}


CASES = {
    'mic_hrda': ({'imnet_feature_dist_lambda': 0.005, **MASKS}, {}),
    'hrda': ({'imnet_feature_dist_lambda': 0.005}, {}),
    'hrda_all': ({'imnet_feature_dist_lambda': 0.005}, {'feature_scale': 'all'}),
}


@pytest.fixture
def data(golden):
    metas = [{'img_norm_cfg': NORM}] * 2
    return {
        'img': images('step_source'),
        'img_metas': metas,
        'gt_semantic_seg': golden['label'].long(),
        'target_img': images('step_target'),
        'target_img_metas': metas,
        'valid_pseudo_mask': golden['valid'].float(),
    }


@pytest.mark.parametrize('case', CASES)
def test_train_step__equals_the_published_step(case, golden, data, monkeypatch, tmp_path):
    uda, segmentor = CASES[case]
    boxes = {name: Box(*box) for name, box in zip(PASSES, golden['boxes'].tolist(), strict=True)}
    pin(monkeypatch, boxes, golden['grid'][:, 0], golden['mix_classes'].long())
    monkeypatch.setattr(
        'mmseg.models.uda.feature_distance.has_imagenet_weights', lambda backbone: True
    )
    distance = {
        'imnet_feature_dist_classes': [1, 2, 4, 6],
        'imnet_feature_dist_scale_min_ratio': 0.75,
    }
    method, values = train_once({**uda, **distance}, segmentor, data)
    expected = {
        name.removeprefix(f'{case}/'): value.item()
        for name, value in golden.items()
        if name.startswith(f'{case}/')
    }
    assert set(expected) <= set(values)
    for name, value in expected.items():
        assert values[name] == pytest.approx(value, rel=1e-3, abs=2e-4), name
    names = [str(name) for name in load('hrda_mic_step')['param_names']]
    parameters = dict(method.model.named_parameters())
    assert set(names) == set(parameters)
    norms = torch.stack([parameters[name].grad.norm() for name in names])
    products = torch.stack([(parameters[n].grad * parameters[n]).sum().detach() for n in names])
    close = {'atol': 2e-4, 'rtol': 1e-3}
    torch.testing.assert_close(norms, golden[f'{case}_grad_norm'].to(norms.dtype), **close)
    torch.testing.assert_close(products, golden[f'{case}_grad_dot_param'].to(norms.dtype), **close)
    if case == 'mic_hrda':
        kept = 'decode_head.head.fuse_layer.bottleneck.bn'
        for network in ('model', 'ema_model'):
            norm = getattr(method, network).get_submodule(kept)
            for name in ('running_mean', 'running_var', 'num_batches_tracked'):
                found = getattr(norm, name)
                torch.testing.assert_close(found, golden[f'{network}_{name}'].to(found), **close)
        weight = method.ema_model.get_parameter('decode_head.head.conv_seg.weight')
        torch.testing.assert_close(weight, golden['ema_conv_seg'], **close)
        assert isinstance(method, DACS)


MODES = {
    'separatetrg_lambda1': {'mask_mode': 'separatetrg'},
    'separatesrc_lambda1': {'mask_mode': 'separatesrc'},
    'separate_lambda1': {'mask_mode': 'separate'},
    'separatetrg_lambda0.5': {'mask_mode': 'separatetrg', 'mask_lambda': 0.5},
    'own_teacher': {'mask_mode': 'separatetrg', 'mask_alpha': 0, 'mask_pseudo_threshold': None},
}


@pytest.mark.parametrize('name', MODES)
def test_masked_pass__equals_the_published_losses(name, monkeypatch):
    golden = {key: torch.from_numpy(value) for key, value in load('mic').items()}
    pin(monkeypatch, {'masked': Box(*golden['net_box'].tolist())}, golden['net_grid'][:, 0])
    uda = {'type': 'DACS', 'mask_generator': BLOCKS, **MODES[name]}
    method = build_train_model({'model': small_hrda(), 'uda': uda, 'seed': 0})
    fill_sharp(method.model, 0)
    method.eval()
    metas = [{'img_norm_cfg': NORM}] * 2
    labels = golden['net_label'].long()
    step = method._step(images('mic_source'), metas, labels, images('mic_target'), metas)
    step.pseudo_label = golden['net_pseudo_label'][:, 0].long()
    step.pseudo_weight = golden['net_pseudo_weight'].float()
    step.target_valid = torch.ones(2, 1, 256, 256)
    step.target_valid[:, :, :30] = 0
    step.probs = torch.empty(0)
    method.mic.start(step)
    if method.mic.teacher is not None:
        # The published teacher took the student's parameters, and kept statistics of its own.
        other = fill_sharp(copy.deepcopy(method.model), 10)
        own = method.mic.teacher.model
        for ours, theirs in zip(own.buffers(), other.buffers(), strict=True):
            ours.copy_(theirs)
    losses = method.mic.own_pass(step)
    prefix = f'net_{name}/'
    expected = {k.removeprefix(prefix): v.item() for k, v in golden.items() if prefix in k}
    assert {key.removeprefix('masked.') for key in losses} == set(expected)
    for key, value in expected.items():
        assert losses[f'masked.{key}'].item() == pytest.approx(value, rel=1e-3, abs=2e-4)
