"""MiT against the golden files, and how its weights begin."""

import numpy as np
import pytest
import torch
from torch import nn

from mmseg.models import build_backbone
from mmseg.utils.errors import UserError
from tests.golden import load
from tests.golden.fill import fill_deterministic, input_for
from tests.models.networks import STATE_DICT_KEYS

SHAPES = {0: (2, 3, 64, 96), 1: (1, 3, 70, 90)}


@pytest.mark.parametrize('variant', range(6))
def test_forward__equals_golden(variant):
    golden = load('mit')
    network = fill_deterministic(build_backbone({'type': f'mit_b{variant}'})).eval()
    image = torch.from_numpy(input_for(f'mit_b{variant}', SHAPES.get(variant, (1, 3, 64, 64))))
    with torch.no_grad():
        features = network(image)
    for stage, feature in enumerate(features, start=1):
        expected = golden[f'b{variant}_f{stage}']
        values = feature.flatten()[::97] if expected.ndim == 1 else feature
        np.testing.assert_allclose(values, expected, atol=2e-4, rtol=1e-3)


def test_state_dict__names_shapes_and_order_as_published():
    ours = {k: list(v.shape) for k, v in build_backbone({'type': 'mit_b5'}).state_dict().items()}
    published = {
        name.removeprefix('backbone.'): shape
        for name, shape in STATE_DICT_KEYS['daformer_sepaspp_mitb5'].items()
        if name.startswith('backbone.')
    }
    assert list(ours.items()) == list(published.items())


def test_forward__maps_lie_in_channels_last_order():
    features = build_backbone({'type': 'mit_b0'})(torch.randn(2, 3, 64, 96))
    assert all(f.is_contiguous(memory_format=torch.channels_last) for f in features)


def test_drop_path__grows_linearly_to_its_rate():
    network = build_backbone({'type': 'mit_b0', 'drop_path_rate': 0.35})
    rates = [
        getattr(block.drop_path, 'drop_prob', 0.0)
        for stage in range(1, 5)
        for block in getattr(network, f'block{stage}')
    ]
    np.testing.assert_allclose(rates, np.linspace(0, 0.35, 8), atol=1e-6)


def test_drop_path__only_in_training():
    torch.manual_seed(0)
    network = build_backbone({'type': 'mit_b0', 'drop_path_rate': 0.9})
    image = torch.randn(1, 3, 64, 64)
    assert not torch.equal(network(image)[-1], network(image)[-1])
    network.eval()
    assert torch.equal(network(image)[-1], network(image)[-1])


def test_settings__of_a_variant_can_be_changed():
    network = build_backbone({'type': 'mit_b0', 'depths': [1, 1, 1, 1], 'in_chans': 4})
    assert [f.shape[2] for f in network(torch.randn(1, 4, 64, 64))] == [16, 8, 4, 2]
    assert len(network.block1) == 1


def test_settings__unequal_stages_are_named():
    with pytest.raises(UserError, match=r'depths has 3 entries .* embed_dims has 4'):
        build_backbone({'type': 'mit_b0', 'depths': [1, 1, 1]})


def test_init_weights__random_weights_have_the_published_spread():
    torch.manual_seed(0)
    network = build_backbone({'type': 'mit_b2'})
    network.init_weights()
    block = network.block3[0]
    for weight, spread in (
        (block.mlp.fc1.weight, 0.02),
        (network.patch_embed4.proj.weight, (2 / (3 * 3 * 512)) ** 0.5),
        (block.mlp.dwconv.dwconv.weight, (2 / (3 * 3)) ** 0.5),
    ):
        assert weight.std().item() == pytest.approx(spread, rel=0.03)
    assert not any(m.bias.any() for m in network.modules() if isinstance(m, nn.Linear))


def test_init_weights__loads_a_released_file(tmp_path):
    """Released MiT files are plain state dicts with an ImageNet classifier."""
    source = build_backbone({'type': 'mit_b0'})
    path = tmp_path / 'mit_b0.pth'
    head = {'head.weight': torch.randn(10, 256), 'head.bias': torch.randn(10)}
    torch.save({**source.state_dict(), **head}, path)
    network = build_backbone({'type': 'mit_b0', 'pretrained': str(path), 'style': 'pytorch'})
    network.init_weights()
    for name, value in network.state_dict().items():
        assert torch.equal(value, source.state_dict()[name])


def kept_values(network):
    """Take a training step; return how many values it kept for its backward pass."""
    sizes = []
    torch.manual_seed(1)
    with torch.autograd.graph.saved_tensors_hooks(
        lambda t: sizes.append(t.numel()) or t, lambda t: t
    ):
        loss = sum(maps.square().mean() for maps in network.train()(torch.ones(2, 3, 64, 96)))
    loss.backward()
    return sum(sizes)


def test_with_cp__gradients_are_the_same_with_fewer_activations_kept():
    torch.manual_seed(0)
    settings = {'type': 'mit_b0', 'depths': (1, 1, 1, 1), 'drop_path_rate': 0.5}
    plain, lean = build_backbone(settings), build_backbone({**settings, 'with_cp': True})
    lean.load_state_dict(plain.state_dict())
    assert kept_values(lean) < 0.7 * kept_values(plain)
    for ours, theirs in zip(lean.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)
