"""Weights of mmsegmentation's Mix Transformer, held against a network of that form."""

import pytest
import torch
from torch import nn

from mmseg.core.checkpoint import load_state_dict, save_checkpoint
from mmseg.models import build_backbone, build_segmentor
from mmseg.models.backbones.mit_mmsegmentation import from_mmsegmentation
from mmseg.utils.errors import UserError

SIZES = {
    'b0': ((2, 2, 2, 2), (32, 64, 160, 256)),
    'b1': ((2, 2, 2, 2), (64, 128, 320, 512)),
    'b2': ((3, 4, 6, 3), (64, 128, 320, 512)),
}
HEADS, RATIOS = (1, 2, 5, 8), (8, 4, 2, 1)
EPS = 1e-6  # of norms in blocks and after a stage; the others have PyTorch's default


class Embedding(nn.Module):
    def __init__(self, inner, outer, size, stride):
        super().__init__()
        self.projection = nn.Conv2d(inner, outer, size, stride, size // 2)
        self.norm = nn.LayerNorm(outer)

    def forward(self, maps):
        maps = self.projection(maps)
        return self.norm(maps.flatten(2).transpose(1, 2)), maps.shape[2:]


class Attention(nn.Module):
    def __init__(self, dim, heads, ratio):
        super().__init__()
        self.attn = nn.MultiheadAttention(dim, heads, batch_first=True)
        self.ratio = ratio
        if ratio > 1:
            self.sr = nn.Conv2d(dim, dim, ratio, ratio)
            self.norm = nn.LayerNorm(dim)

    def forward(self, tokens, size):
        context = tokens
        if self.ratio > 1:
            maps = tokens.transpose(1, 2).reshape(len(tokens), -1, *size)
            context = self.norm(self.sr(maps).flatten(2).transpose(1, 2))
        return self.attn(tokens, context, context)[0]


class FeedForward(nn.Module):
    def __init__(self, dim):
        super().__init__()
        hidden = 4 * dim
        self.layers = nn.Sequential(
            nn.Conv2d(dim, hidden, 1),
            nn.Conv2d(hidden, hidden, 3, 1, 1, groups=hidden),
            nn.GELU(),
            nn.Dropout(0),
            nn.Conv2d(hidden, dim, 1),
            nn.Dropout(0),
        )

    def forward(self, tokens, size):
        maps = tokens.transpose(1, 2).reshape(len(tokens), -1, *size)
        return self.layers(maps).flatten(2).transpose(1, 2)


class Layer(nn.Module):
    def __init__(self, dim, heads, ratio):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim, EPS), nn.LayerNorm(dim, EPS)
        self.attn, self.ffn = Attention(dim, heads, ratio), FeedForward(dim)

    def forward(self, tokens, size):
        tokens = tokens + self.attn(self.norm1(tokens), size)
        return tokens + self.ffn(self.norm2(tokens), size)


class TheirTransformer(nn.Module):
    """A Mix Transformer put together as mmsegmentation does, so that its names come about."""

    def __init__(self, size):
        super().__init__()
        self.layers = nn.ModuleList()
        inner = 3
        for stage, (depth, dim) in enumerate(zip(*SIZES[size], strict=True)):
            embedding = Embedding(inner, dim, *((7, 4) if stage == 0 else (3, 2)))
            blocks = (Layer(dim, HEADS[stage], RATIOS[stage]) for _ in range(depth))
            parts = [embedding, nn.ModuleList(blocks), nn.LayerNorm(dim, EPS)]
            self.layers.append(nn.ModuleList(parts))
            inner = dim

    def forward(self, maps):
        features = []
        for embedding, blocks, norm in self.layers:
            tokens, size = embedding(maps)
            for block in blocks:
                tokens = block(tokens, size)
            maps = norm(tokens).transpose(1, 2).reshape(len(tokens), -1, *size)
            features.append(maps)
        return features


def random_network(size):
    torch.manual_seed(0)
    network = TheirTransformer(size).eval()
    for parameter in network.parameters():
        spread = parameter[0].numel() ** -0.5 if parameter.ndim > 1 else 0.1
        parameter.data.add_(spread * torch.randn_like(parameter))
    return network


def assert_same_features(ours, theirs):
    image = torch.randn(2, 3, 64, 96)
    with torch.inference_mode():
        pairs = zip(ours.eval()(image), theirs(image), strict=True)
        for own, their in pairs:
            torch.testing.assert_close(own, their, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ('size', 'wrap'),
    [
        ('b0', lambda state: state),
        ('b1', lambda state: {'state_dict': state, 'meta': {}}),
        ('b2', lambda state: {'state_dict': {f'backbone.{k}': v for k, v in state.items()}}),
    ],
)
def test_pretrained__features_are_theirs(size, wrap, tmp_path):
    theirs = random_network(size)
    torch.save(wrap(theirs.state_dict()), tmp_path / 'w.pth')
    ours = build_backbone({'type': f'mit_{size}', 'pretrained': str(tmp_path / 'w.pth')})
    ours.init_weights()
    assert ours.is_pretrained
    assert_same_features(ours, theirs)


def test_load_state_dict__a_segmentor_trained_by_mmsegmentation(tmp_path):
    theirs = random_network('b0')
    head = {'type': 'FCNHead', 'in_channels': 256, 'in_index': 3, 'channels': 8, 'num_classes': 5}
    model = build_segmentor(
        {'type': 'EncoderDecoder', 'backbone': {'type': 'mit_b0'}, 'decode_head': head}
    )
    state = {f'backbone.{key}': value for key, value in theirs.state_dict().items()}
    state |= {k: v for k, v in model.state_dict().items() if not k.startswith('backbone.')}
    load_state_dict(model, state, 'theirs.pth')
    assert_same_features(model.backbone, theirs)
    save_checkpoint(model, tmp_path / 'ours.pth')
    assert not any('layers' in key for key in model.state_dict() if key.startswith('backbone'))


def test_from_mmsegmentation__queries_come_before_keys_and_values():
    (query, rest) = from_mmsegmentation(
        {'layers.1.1.0.attn.attn.in_proj_bias': torch.arange(6.0)}
    ).items()
    assert query[0] == 'block2.0.attn.q.bias' and query[1].tolist() == [0, 1]
    assert rest[0] == 'block2.0.attn.kv.bias' and rest[1].tolist() == [2, 3, 4, 5]


@pytest.mark.parametrize(
    'entry',
    ['layers.0.3.weight', 'layers.0.1.0.attn.extra.bias', 'cls_token', 'layers.0.1.0.norm3.bias'],
)
def test_from_mmsegmentation__what_is_no_entry_is_named(entry):
    with pytest.raises(UserError, match=f'{entry!r} is no entry of mmsegmentation'):
        from_mmsegmentation({entry: torch.zeros(1)})


@pytest.mark.parametrize('size', ['b1', 'b2'])
def test_pretrained__of_another_size_is_one_line(size, tmp_path):
    torch.save(TheirTransformer(size).state_dict(), tmp_path / 'w.pth')
    ours = build_backbone({'type': 'mit_b0', 'pretrained': str(tmp_path / 'w.pth')})
    with pytest.raises(UserError, match=r'another architecture: patch_embed1\.proj\.weight is'):
        ours.init_weights()


def test_pretrained__of_another_network_is_one_line(tmp_path):
    torch.save({'conv1.weight': torch.zeros(1), 'bn1.bias': torch.zeros(1)}, tmp_path / 'w.pth')
    ours = build_backbone({'type': 'mit_b0', 'pretrained': str(tmp_path / 'w.pth')})
    with pytest.raises(UserError, match=r'none of its 2 entries .* the first is conv1\.weight'):
        ours.init_weights()
