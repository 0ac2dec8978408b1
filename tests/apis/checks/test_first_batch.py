import random

import numpy as np
import pytest
import torch
from mmcv.utils import Config
from torch import nn

from mmseg.apis import set_random_seed
from mmseg.apis.checks import findings_of
from mmseg.apis.checks.first_batch import domains_fit_method, first_batch_passes
from mmseg.apis.train import train_segmentor
from mmseg.utils.random_state import random_state
from tests.apis.checks.runs import built, config_of, messages
from tests.apis.tiny import CROP


class FewLayers(nn.Module):
    """A network that takes images of three channels and has BatchNorm and dropout."""

    num_classes = 5

    def __init__(self, channels: int = 3, num_classes: int = 5) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.drop = nn.Dropout(0.5)
        self.classify = nn.Conv2d(8, num_classes, 1)
        self.pool = False
        self.norm_of_pool = nn.BatchNorm2d(8)

    def forward_train(self, img, img_metas, gt_semantic_seg):
        features = self.drop(self.norm(self.conv(img)))
        if self.pool:
            features = features + self.norm_of_pool(features.mean((2, 3), keepdim=True))
        loss = nn.functional.cross_entropy(
            self.classify(features), gt_semantic_seg[:, 0], ignore_index=255
        )
        return {'loss': loss}


def run_with(folder, model, **options):
    run = built(config_of(folder, **options), with_model=False)
    run.model = model
    return run


def test_first_batch__passes_and_leaves_no_trace(tmp_path):
    model = FewLayers()
    model.eval()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    run = run_with(tmp_path, model)
    state = random_state()
    assert messages(first_batch_passes, run) == []
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert not any(module.training for module in model.modules())
    assert all(p.grad is None for p in model.parameters())
    assert random.getstate() == state['python']
    assert np.random.get_state()[1].tolist() == state['numpy']['state']['key']
    assert torch.equal(torch.get_rng_state(), state['torch'])
    assert run.dataset._skipped._counts.tolist() == [0, 0]


class OfOneSize(FewLayers):
    """A network whose encoder takes whole crops alone."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.backbone = nn.Identity()
        self.backbone.fixed_size = (height, width)

    def forward_train(self, img, img_metas, gt_semantic_seg):
        assert img.shape[2:] == gt_semantic_seg.shape[2:] == self.backbone.fixed_size
        return super().forward_train(img, img_metas, gt_semantic_seg)


def test_first_batch__an_encoder_of_one_size_gets_whole_crops(tmp_path, monkeypatch):
    monkeypatch.setattr('mmseg.apis.checks.first_batch._SIDE', 16)
    monkeypatch.setattr('mmseg.apis.checks.first_batch._MULTIPLE', 16)
    assert messages(first_batch_passes, run_with(tmp_path, OfOneSize(*CROP))) == []


@pytest.mark.parametrize('channels', [1, 4, 12])
def test_first_batch__other_channels_than_the_network_takes_are_named(tmp_path, channels):
    (said,) = messages(first_batch_passes, run_with(tmp_path, FewLayers(channels)))
    assert said.startswith(f'images have 3 channels and the backbone takes {channels}')


@pytest.mark.parametrize('batch', [1, 2, 3])
def test_first_batch__a_norm_of_one_value_needs_two_images(tmp_path, batch):
    model = FewLayers()
    model.pool = True
    run = run_with(tmp_path, model, data__samples_per_gpu=batch)
    said = messages(first_batch_passes, run)
    assert len(said) == (batch == 1)
    if said:
        assert said[0].startswith('data.samples_per_gpu is 1, and BatchNorm of a branch that sees')


def test_first_batch__any_other_error_is_one_line_with_its_place(tmp_path):
    (said,) = messages(first_batch_passes, run_with(tmp_path, FewLayers(num_classes=2)))
    assert said.startswith('the first batch (2×3×32×48) does not pass through the network: Index')
    assert 'in forward_train)' in said


@pytest.mark.parametrize('size', [[32, 32], [40, 48], [16, 24]])
def test_first_batch__source_and_target_crops_must_be_of_one_size(tmp_path, size):
    cfg = config_of(tmp_path, uda=True)
    pipeline = cfg.data.train.target.pipeline
    pipeline[3].crop_size = pipeline[6].size = size
    run = built(cfg, with_model=False)
    (said,) = messages(first_batch_passes, run)
    assert said.startswith(f'source crops are 48×32 and target crops {size[1]}×{size[0]} pixels')


@pytest.mark.parametrize('keys', [['img'], ['gt_semantic_seg']])
def test_first_batch__a_pipeline_must_collect_images_and_labels(tmp_path, keys):
    cfg = config_of(tmp_path)
    cfg.data.train.pipeline[-1]['keys'] = keys
    (said,) = messages(first_batch_passes, built(cfg, with_model=False))
    assert 'the training pipeline collects no ' in said


@pytest.mark.parametrize('uda', [False, True])
def test_domains_fit_method__agree(tmp_path, uda):
    assert messages(domains_fit_method, built(config_of(tmp_path, uda), with_model=False)) == []


def test_domains_fit_method__two_domains_need_a_method_and_a_method_two_domains(tmp_path):
    cfg = config_of(tmp_path, uda=True)
    method = cfg.pop('uda')
    (said,) = messages(domains_fit_method, built(cfg, with_model=False))
    assert 'UDADataset of source and target, and uda is not set' in said
    cfg.uda, cfg.data.train = method, cfg.data.train.source
    (said,) = messages(domains_fit_method, built(cfg, with_model=False))
    assert 'uda is set, and data.train is one data set (CustomDataset)' in said


def trained(folder, uda, checked):
    """Train for three iterations, looked at before or not; return all that it came to."""
    cfg = config_of(folder, uda, runner__max_iters=3, checkpoint_config__interval=3)
    cfg.work_dir = str(folder / f'run_{uda}_{checked}')
    set_random_seed(cfg.seed)
    run = built(Config(cfg._cfg_dict))
    assert not checked or list(findings_of(run)) == []
    runner = train_segmentor(run.model, run.dataset, cfg, device=run.device)
    return runner.model.state_dict(), runner.optimizer.state_dict()['state'], run.dataset


@pytest.mark.parametrize('uda', [False, True])
def test_checks__change_no_bit_of_a_training(tmp_path, uda):
    plain, checked = trained(tmp_path, uda, False), trained(tmp_path, uda, True)
    assert plain[0].keys() == checked[0].keys()
    assert all(torch.equal(plain[0][key], checked[0][key]) for key in plain[0])
    for one, other in zip(plain[1].values(), checked[1].values(), strict=True):
        assert all(torch.equal(one[key], other[key]) for key in one)
    assert plain[2].num_skipped == checked[2].num_skipped == 0
