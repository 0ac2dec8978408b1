"""Weights of Hugging Face's SegFormer, held against the features of its own network."""

import pytest
import torch
from torch import nn

from mmseg.models import build_backbone
from mmseg.models.backbones.segformer_hf import from_segformer_hf
from mmseg.utils.errors import UserError
from tools.convert_weights.segformer_hf import convert_file, read_weights

# as in the config.json of each nvidia/mit-b*
SIZES = {
    'b0': ((2, 2, 2, 2), (32, 64, 160, 256)),
    'b1': ((2, 2, 2, 2), (64, 128, 320, 512)),
    'b2': ((3, 4, 6, 3), (64, 128, 320, 512)),
    'b3': ((3, 4, 18, 3), (64, 128, 320, 512)),
    'b4': ((3, 8, 27, 3), (64, 128, 320, 512)),
    'b5': ((3, 6, 40, 3), (64, 128, 320, 512)),
}


def random_segformer(size):
    """Return their network with random weights, far enough from zero for all of them to matter."""
    transformers = pytest.importorskip('transformers', reason='needs transformers, a dev package')
    depths, widths = SIZES[size]
    config = transformers.SegformerConfig(depths=depths, hidden_sizes=widths)
    torch.manual_seed(0)
    network = transformers.SegformerForImageClassification(config).eval()
    for parameter in network.parameters():
        spread = parameter[0].numel() ** -0.5 if parameter.ndim > 1 else 0.1
        parameter.data.add_(spread * torch.randn_like(parameter))
    for name, module in network.named_modules():
        # SegFormer's release has 1e-6 here; their network leaves PyTorch's 1e-5.
        if isinstance(module, nn.LayerNorm) and not name.endswith(
            ('patch_embeddings.layer_norm', 'sequence_reduction.layer_norm')
        ):
            module.eps = 1e-6
    return network


def save_as_published(network, folder, kind):
    """Write a file with the names of the published ones, which `transformers` has changed since."""
    network.save_pretrained(folder)
    path = folder / 'model.safetensors'
    state = read_weights(path)
    assert 'segformer.encoder.block.3.1.attention.output.dense.weight' in state
    if kind == 'bin':
        path = folder / 'pytorch_model.bin'
        torch.save(state, path)
    return path


@pytest.mark.parametrize(
    ('size', 'kind'), [*((size, 'safetensors') for size in SIZES), ('b0', 'bin')]
)
def test_from_segformer_hf__features_are_theirs(size, kind, tmp_path):
    theirs = random_segformer(size)
    source = save_as_published(theirs, tmp_path, kind)
    convert_file(source, tmp_path / f'mit_{size}.pth')

    pretrained = str(tmp_path / f'mit_{size}.pth')
    ours = build_backbone({'type': f'mit_{size}', 'pretrained': pretrained}).eval()
    ours.init_weights()
    assert ours.is_pretrained
    image = torch.randn(2, 3, 64, 96)
    with torch.inference_mode():
        expected = theirs.segformer(image, output_hidden_states=True).hidden_states
        features = ours(image)
    assert len(features) == len(expected) == 4
    for feature, hidden in zip(features, expected, strict=True):
        torch.testing.assert_close(feature, hidden, rtol=1e-5, atol=1e-5)


def test_from_segformer_hf__the_classifier_is_left_out_and_stages_count_from_one():
    state = {
        'segformer.encoder.layer_norm.0.weight': torch.ones(2),
        'segformer.encoder.patch_embeddings.1.layer_norm.bias': torch.ones(3),
        'classifier.weight': torch.ones(4, 2),
    }
    assert list(from_segformer_hf(state)) == ['norm1.weight', 'patch_embed2.norm.bias']


def test_from_segformer_hf__keys_come_before_values():
    block = 'encoder.block.0.1.attention.self'
    state = {f'{block}.value.bias': torch.tensor([3.0]), f'{block}.key.bias': torch.tensor([2.0])}
    (entry,) = from_segformer_hf(state).items()
    assert entry[0] == 'block1.1.attn.kv.bias' and entry[1].tolist() == [2, 3]


@pytest.mark.parametrize(
    ('entries', 'error'),
    [
        (['encoder.block.0.0.attention.self.key.bias'], 'value.bias is missing'),
        (['conv1.weight'], "'conv1.weight' is no entry of a SegFormer encoder"),
        (['encoder.block.0.0.attention.extra.bias'], 'is no entry of a SegFormer encoder'),
        (['classifier.weight'], 'got none'),
    ],
)
def test_from_segformer_hf__what_is_wrong_is_named(entries, error):
    with pytest.raises(UserError, match=error):
        from_segformer_hf({entry: torch.zeros(1) for entry in entries})


def test_read_weights__files_that_hold_none(tmp_path):
    with pytest.raises(UserError, match='no weights at'):
        read_weights(tmp_path / 'absent.safetensors')
    (tmp_path / 'x.safetensors').write_bytes(b'not weights at all')
    with pytest.raises(UserError, match='damaged or no safetensors'):
        read_weights(tmp_path / 'x.safetensors')
