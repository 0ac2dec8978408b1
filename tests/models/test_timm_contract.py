"""What every encoder of timm keeps under DIDA: it learns, is tested and saved."""

import pytest
import torch

from mmseg.core.checkpoint import load_state_dict, save_checkpoint, select_branch
from mmseg.core.checkpoint_reading import read_checkpoint
from mmseg.models import build_segmentor, build_train_model
from tests.models.uda.test_dacs import CROP, NUM_CLASSES, batch

CONVOLUTIONAL = ('tf_efficientnet_lite0', 'resnet18', 'regnety_002', 'convnextv2_atto')
HIERARCHICAL = ('pvt_v2_b0', 'swin_s3_tiny_224', 'swinv2_cr_tiny_ns_224', 'efficientvit_b0')
PLAIN = (
    'vit_tiny_patch16_224',
    'vit_small_patch14_dinov2',
    'vit_small_patch16_dinov3',
    'eva02_tiny_patch14_224',
)
ENCODERS = (*CONVOLUTIONAL, *HIERARCHICAL, *PLAIN)
SIZES = [(1, 3, 64, 96), (2, 3, 70, 45)]


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
    model['backbone'] = {'type': 'TimmBackbone', 'model': name}
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


@pytest.fixture(params=ENCODERS)
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
