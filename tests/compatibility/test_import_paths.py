"""Imports that programs written for mmsegmentation 0.16 and DAFormer begin with."""

import subprocess
import sys
from importlib import import_module

import numpy as np
import pytest
import torch

from mmseg.models import UDA
from mmseg.models.builder import build_train_model
from tests.compatibility.networks import batch, model

IMPORTS = [
    'from mmseg.apis import inference_segmentor, init_segmentor, show_result_pyplot',
    'from mmseg.apis import multi_gpu_test, set_random_seed, single_gpu_test, train_segmentor',
    'from mmseg.core import DistEvalHook, EvalHook, add_prefix, build_pixel_sampler',
    'from mmseg.core import BasePixelSampler, OHEMPixelSampler, get_classes, get_palette',
    'from mmseg.core import eval_metrics, intersect_and_union, mean_dice, mean_fscore, mean_iou',
    'from mmseg.core.evaluation import get_palette',
    'from mmseg.core.evaluation.class_names import get_classes',
    'from mmseg.core.evaluation.eval_hooks import DistEvalHook, EvalHook',
    'from mmseg.core.evaluation.metrics import eval_metrics',
    'from mmseg.core.seg import PIXEL_SAMPLERS, OHEMPixelSampler',
    'from mmseg.core.seg.builder import PIXEL_SAMPLERS, build_pixel_sampler',
    'from mmseg.core.seg.sampler import BasePixelSampler, OHEMPixelSampler',
    'from mmseg.core.utils import add_prefix',
    'from mmseg.core.utils.misc import add_prefix',
    'from mmseg.datasets import DATASETS, PIPELINES, ConcatDataset, RepeatDataset',
    'from mmseg.datasets.builder import build_dataloader, build_dataset',
    'from mmseg.datasets.custom import CustomDataset',
    'from mmseg.datasets.dataset_wrappers import ConcatDataset, RepeatDataset',
    'from mmseg.datasets.pipelines import Compose, LoadAnnotations, LoadImageFromFile',
    'from mmseg.datasets.pipelines.compose import Compose',
    'from mmseg.datasets.pipelines.formating import Collect, DefaultFormatBundle, to_tensor',
    'from mmseg.datasets.pipelines.loading import LoadAnnotations',
    'from mmseg.datasets.pipelines.test_time_aug import MultiScaleFlipAug',
    'from mmseg.datasets.pipelines.transforms import Pad, RandomFlip, Resize',
    'from mmseg.models import BACKBONES, HEADS, LOSSES, NECKS, SEGMENTORS, UDA',
    'from mmseg.models import BaseSegmentor, EncoderDecoder, build_segmentor, build_train_model',
    'from mmseg.models import BaseDecodeHead, CrossEntropyLoss, FCNHead, ResNet',
    'from mmseg.models.backbones import ResNet, ResNetV1c',
    'from mmseg.models.builder import build_backbone, build_head, build_loss',
    'from mmseg.models.decode_heads.aspp_head import ASPPHead, ASPPModule',
    'from mmseg.models.decode_heads.daformer_head import ASPPWrapper, DAFormerHead',
    'from mmseg.models.decode_heads.decode_head import BaseDecodeHead',
    'from mmseg.models.decode_heads.psp_head import PPM, PSPHead',
    'from mmseg.models.decode_heads.segformer_head import MLP, SegFormerHead',
    'from mmseg.models.decode_heads.sep_aspp_head import DepthwiseSeparableASPPHead',
    'from mmseg.models.losses import Accuracy, accuracy, cross_entropy',
    'from mmseg.models.losses.utils import weight_reduce_loss',
    'from mmseg.models.segmentors.base import BaseSegmentor',
    'from mmseg.models.segmentors.encoder_decoder import EncoderDecoder',
    'from mmseg.models.uda.dacs import DACS',
    'from mmseg.models.uda.uda_decorator import UDADecorator, get_module',
    'from mmseg.models.utils import make_divisible, nchw_to_nlc, nlc_to_nchw',
    'from mmseg.models.utils.shape_convert import nlc_to_nchw',
    'from mmseg.ops import Upsample, resize',
    'from mmseg.ops.wrappers import Upsample, resize',
    'from mmseg.utils import collect_env, get_root_logger',
    'from mmseg.utils.collect_env import collect_env',
    'from mmseg.utils.logger import get_root_logger',
    'from mmseg.utils.utils import np_local_seed',
]


@pytest.mark.parametrize('line', IMPORTS)
def test_import__goes_on_working(line):
    names: dict = {}
    exec(line, names)
    assert all(callable(v) or hasattr(v, 'get') for k, v in names.items() if k[0] != '_')


def test_import__of_every_place_in_one_program():
    program = '\n'.join([*reversed(IMPORTS), 'print("done")'])
    done = subprocess.run([sys.executable, '-c', program], capture_output=True, text=True)
    assert done.stdout == 'done\n', done.stderr


@pytest.mark.parametrize(
    ('line', 'way'),
    [
        ('from mmseg.models.utils.dacs_transforms import strong_transform', 'draw_view'),
        ('from mmseg.models.utils import ResLayer', 'make_stage'),
        ('from mmseg.core.ddp_wrapper import DistributedDataParallelWrapper', 'without a wrapper'),
        ('from mmseg.utils.utils import downscale_label_ratio', 'mmseg.ops.downscale_label'),
    ],
)
def test_import__of_what_is_not_served_names_the_way_around(line, way):
    with pytest.raises(ImportError, match=rf'is not served: .*{way}'):
        exec(line, {})


def test_import__of_what_never_was_there_fails_as_ever():
    with pytest.raises(ImportError, match='cannot import name'):
        exec('from mmseg.core import NoSuchThing', {})
    with pytest.raises(ModuleNotFoundError):
        import_module('mmseg.models.utils.no_such_module')
    with pytest.raises(AttributeError, match=r"'mmseg\.ops' has no attribute 'encode'"):
        import_module('mmseg.ops').encode  # noqa: B018


def test_core__names_do_what_they_did():
    from mmseg.utils.utils import np_local_seed

    from mmseg.core import add_prefix, get_palette

    assert add_prefix({'loss': 1}, 'mix') == {'mix.loss': 1}
    assert len(get_palette('cityscapes')) == 19
    with np_local_seed(3):
        inside = np.random.rand()
    with np_local_seed(3):
        assert np.random.rand() == inside
    state = np.random.get_state()[1].copy()
    with np_local_seed(4):
        np.random.rand()
    assert (np.random.get_state()[1] == state).all()


def test_layers__do_what_they_did():
    from mmseg.datasets.pipelines.formating import to_tensor
    from mmseg.models.utils import make_divisible, nchw_to_nlc, nlc_to_nchw

    from mmseg.models.decode_heads.psp_head import PPM
    from mmseg.models.decode_heads.segformer_head import MLP
    from mmseg.ops import Upsample

    maps = torch.randn(2, 4, 3, 5)
    assert torch.equal(nlc_to_nchw(nchw_to_nlc(maps), (3, 5)), maps)
    mlp = MLP(input_dim=4, embed_dim=6)
    torch.testing.assert_close(mlp(maps), mlp.proj(nchw_to_nlc(maps)))
    pooled = PPM((1, 2), 4, 8, None, None, {'type': 'ReLU'}, align_corners=False)(maps)
    assert [p.shape for p in pooled] == [(2, 8, 3, 5)] * 2
    assert Upsample(scale_factor=1.5, mode='bilinear')(maps).shape == (2, 4, 4, 7)
    assert Upsample(size=(6, 6))(maps).shape == (2, 4, 6, 6)
    assert [make_divisible(n, 8) for n in (3, 12, 17, 31)] == [8, 16, 16, 32]
    assert to_tensor(3).shape == (1,) and to_tensor(np.ones(2)).shape == (2,)


def test_uda_decorator__serves_methods_derived_from_it():
    from mmseg.models.uda.uda_decorator import UDADecorator

    @UDA.register_module(force=True)
    class SourceOnly(UDADecorator):
        def __init__(self, **cfg):
            super().__init__(**cfg)
            self.max_iters, self.alpha = cfg['max_iters'], cfg['alpha']

        def train_step(self, data_batch, optimizer, **kwargs):
            optimizer.zero_grad()
            log_vars = self(**data_batch)
            optimizer.step()
            return {'log_vars': log_vars, 'num_samples': len(data_batch['img_metas'])}

        def forward_train(self, img, img_metas, gt_semantic_seg, target_img, target_img_metas):
            losses = self.get_model().forward_train(
                img, img_metas, gt_semantic_seg, return_feat=True
            )
            assert len(losses.pop('features')) == 4
            loss, log_vars = self._parse_losses(losses)
            loss.backward()
            return log_vars

    cfg = {'model': model(), 'uda': {'type': 'SourceOnly', 'alpha': 0.9}}
    method = build_train_model({**cfg, 'runner': {'max_iters': 40}})
    assert (method.max_iters, method.alpha) == (40, 0.9)
    data, optimizer = batch(), torch.optim.SGD(method.parameters(), 1.0)
    data |= {'target_img': data['img'], 'target_img_metas': data['img_metas']}
    before = method.get_model().decode_head.conv_seg.weight.clone()
    outcome = method.train_step(data, optimizer)
    assert outcome['log_vars']['decode.loss_seg'] > 0 and method.num_classes == 4
    assert not torch.equal(before, method.get_model().decode_head.conv_seg.weight)
