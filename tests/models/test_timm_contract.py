"""What every encoder of timm keeps under DIDA: it learns, tests, is saved, exported and shared."""

import json

import pytest
import torch
from torch.nn.modules.batchnorm import _BatchNorm

from benchmarks.encoders import PLAIN, TIMM
from mmseg.core.checkpoint import load_state_dict, save_checkpoint, select_branch
from mmseg.core.checkpoint_reading import read_checkpoint
from mmseg.models import build_segmentor, build_train_model
from tests.apis import test_several_processes, tiny
from tests.models.uda.test_dacs import CROP, NUM_CLASSES, batch
from tests.processes import run_processes

SIZES = [(1, 3, 64, 96), (2, 3, 70, 45)]
# Fewer blocks of the same kind, where timm has a name for large encoders alone.
_FEW_BLOCKS = {'depths': (2, 2, 2, 2)}
_SMALL_VIT = {'depth': 4, 'embed_dim': 192, 'num_heads': 3}
SMALLER = {
    'swin_s3_tiny_224': _FEW_BLOCKS,
    'swinv2_cr_tiny_ns_224': _FEW_BLOCKS,
    **dict.fromkeys(PLAIN, _SMALL_VIT),
}
# Windows of attention and grids of positions are of one size in a graph.
EXPORTED_FOR_WINDOWS = ('pvt_v2_b0', 'swin_s3_tiny_224', 'swinv2_cr_tiny_ns_224', *PLAIN)


def model_of(name):
    """Config of a network on the encoder; head and neck ask it for its channels."""
    fusion = {'type': 'aspp', 'sep': True, 'dilations': (1, 3), 'pool': False}
    fusion |= {'norm_cfg': {'type': 'BN'}, 'act_cfg': {'type': 'ReLU'}, 'align_corners': False}
    embed = {'type': 'mlp', 'act_cfg': None, 'norm_cfg': None}
    params = {'embed_dims': 8, 'embed_cfg': embed, 'embed_neck_cfg': embed, 'fusion_cfg': fusion}
    head = {
        'type': 'DAFormerHead',
        'in_index': [0, 1, 2, 3],
        'channels': 8,
        'num_classes': NUM_CLASSES,
        'align_corners': False,
        'decoder_params': params,
        'loss_decode': {'type': 'CrossEntropyLoss'},
    }
    model = {'type': 'EncoderDecoder', 'decode_head': head}
    model['backbone'] = {'type': 'TimmBackbone', 'model': name, **SMALLER.get(name, {})}
    if name in PLAIN:
        model['neck'] = {'type': 'SimpleFeaturePyramid', 'out_channels': 8}
    return model


def method_of(name):
    torch.manual_seed(0)
    instance = {'num_entries': 5, 'update_interval': 1, 'form': 'softmax'}
    uda = {'type': 'DACS', 'instance': instance, 'pseudo_threshold': 0.0}
    return build_train_model({'model': model_of(name), 'uda': uda, 'seed': 0}).train()


def adamw(method):
    return torch.optim.AdamW(method.model.parameters(), 1e-4)


@pytest.fixture(params=TIMM)
def name(request):
    return request.param


def test_train_step__learns_with_all_parameters_and_goes_on_from_a_checkpoint(name, tmp_path):
    whole = method_of(name)
    optimizer = adamw(whole)
    whole.train_step(batch(2, 0), optimizer)
    path = tmp_path / 'iter_1.pth'
    save_checkpoint(whole, path, optimizer)
    # The networks of dropout and drop path draw from PyTorch's own generator.
    state = torch.get_rng_state()
    values = whole.train_step(batch(2, 1), optimizer)['log_vars']
    assert all(torch.tensor(value).isfinite() for value in values.values())
    idle = [n for n, p in whole.model.named_parameters() if p.requires_grad and p.grad is None]
    assert idle == []

    resumed = method_of(name)
    other = adamw(resumed)
    content = read_checkpoint(path)
    load_state_dict(resumed, content['state_dict'], path)
    other.load_state_dict(content['optimizer'])
    resumed.teacher.num_updates = int(resumed.teacher.iteration)
    torch.set_rng_state(state)
    assert dict(resumed.train_step(batch(2, 1), other)['log_vars']) == dict(values)
    for ours, theirs in zip(
        resumed.state_dict().values(), whole.state_dict().values(), strict=True
    ):
        assert torch.equal(ours, theirs)

    tested = build_segmentor(model_of(name)).eval()
    load_state_dict(tested, select_branch(content['state_dict'], 'ema_model'), path)
    for size in SIZES:
        with torch.no_grad():
            logits = tested.inference(torch.randn(*size), [{'flip': False}] * size[0], False)
        assert logits.shape == (size[0], NUM_CLASSES, *size[2:])


def test_forward__runs_under_autocast(name):
    network = build_segmentor(model_of(name))
    labels = torch.randint(0, NUM_CLASSES, (2, 1, *CROP))
    with torch.autocast('cpu', torch.bfloat16):
        losses = network.forward_train(torch.randn(2, 3, *CROP), [{}] * 2, labels)
    loss = sum(value for key, value in losses.items() if 'loss' in key)
    loss.backward()
    assert loss.isfinite()


@pytest.mark.smoke
def test_export__gives_what_it_gives_in_pytorch(name, tmp_path):
    for package in ('onnx', 'onnxruntime', 'onnxscript'):
        pytest.importorskip(package, reason="needs the extra 'onnx'")
    onnx_file = pytest.importorskip('mmseg.apis.onnx_file')
    torch.manual_seed(0)
    model = build_segmentor(model_of(name))
    for module in model.modules():
        if isinstance(module, _BatchNorm):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    network, path = onnx_file.Logits(model).eval(), tmp_path / 'x.onnx'
    window = (3 * model.backbone.patch_size,) * 2 if name in EXPORTED_FOR_WINDOWS else None
    onnx_file.export(network, path, {}, window=window)
    for size in [(1, 3, *window), (3, 3, *window)] if window else SIZES:
        comparison = onnx_file.compare(network, path, torch.randn(*size))
        assert comparison.difference < 1e-4 and comparison.same > 0.999, size


def train_each(configs, folder):
    """Train on each encoder in turn; return the hash of what each came to."""
    return {
        name: test_several_processes.train(config, folder / name, {})['state']
        for name, config in configs.items()
    }


@pytest.mark.smoke
def test_train__two_processes_hold_one_network_of_each_encoder(tmp_path):
    short = {
        'runner': {'type': 'IterBasedRunner', 'max_iters': 2},
        'checkpoint_config': {'interval': 10},
        'evaluation': {'interval': 10},
    }
    content = json.loads(tiny.write_config(tmp_path, uda=True, **short).read_text())
    content['_base_'] = [base for base in content['_base_'] if '/models/' not in base]
    content['uda'] |= {'imnet_feature_dist_lambda': 0, 'debug_img_interval': 0}
    configs = {}
    for name in TIMM:
        model = model_of(name)
        model['decode_head']['num_classes'] = len(tiny.CLASSES)
        configs[name] = tmp_path / f'{name}.json'
        configs[name].write_text(json.dumps({**content, 'model': model}))
    one, other = run_processes(2, train_each, configs, tmp_path)
    assert one == other and len(set(one.values())) == len(TIMM)
