"""The studies: DAFormer's, as published, and what DIDA's instance level is made of."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .configs import ABLATIONS, Run

Settings = Mapping[str, Any]

SOURCE_ONLY: Settings = {'method': 'source-only'}
TARGET_ONLY: Settings = {'method': 'target-only'}
DACS: Settings = {'method': 'dacs'}
DAFORMER: Settings = {
    'method': 'dacs_a999_fdthings',
    'rcs_temperature': 0.01,
    'crop_pseudo_labels': True,
}
DIDA: Settings = {**DAFORMER, 'method': 'dida'}
# From self-training to DAFormer, step by step.
STEPS: Sequence[Settings] = (
    {**DACS, 'rcs_temperature': float('inf')},
    {**DACS, 'rcs_temperature': 0.01},
    {'method': 'dacs_fd'},
    {'method': 'dacs_fdthings'},
    {'method': 'dacs_fdthings', 'rcs_temperature': 0.01},
    DAFORMER,
)

# Decoder and encoder.
SEGFORMER = ('segformer', 'mitb5')
DEEPLAB = ('dlv2red', 'r101v1c')
MIT_WITH_DEEPLAB = ('sfa_dlv3p_nodbn', 'mitb5-del')
RESNET_WITH_SEGFORMER = ('segformer', 'r101v1c')
DECODERS = (
    'daformer_conv1',
    'upernet',
    'upernet_ch256',
    'daformer_isa',
    'daformer_sepaspp_bottleneck',
    'daformer_aspp',
    'daformer_sepaspp',
)
# Every network of the studies, in the published order.
NETWORKS = (
    DEEPLAB,
    ('dlv3p_nodbn', 'r101v1c'),
    ('da_nodbn', 'r101v1c'),
    SEGFORMER,
    ('isa_nodbn', 'r101v1c'),
    *(('dlv2red', encoder) for encoder in ('r50v1c', 's50', 's101', 's200', 'x50-32', 'x101-32')),
    ('segformer', 'mitb4'),
    ('segformer', 'mitb3'),
    MIT_WITH_DEEPLAB,
    RESNET_WITH_SEGFORMER,
    ('daformer_conv1', 'mitb5'),
    ('daformer_isa', 'mitb5'),
    ('daformer_sepaspp_bottleneck', 'mitb5'),
    ('daformer_aspp', 'mitb5'),
    ('daformer_sepaspp', 'mitb5'),
    ('upernet', 'mitb5'),
    ('upernet_ch256', 'mitb5'),
)

ALL_SEEDS = (0, 1, 2)
# Runs that show that all works, too short to learn from.
SHORT: Settings = {
    'max_iters': 2,
    'overrides': {'evaluation': {'interval': 100}, 'log_level': 40},  # 40: errors only
}


def grid(
    networks: Iterable[tuple[str, str]],
    settings: Iterable[Settings],
    seeds: Iterable[int] = (0,),
    **common: Any,
) -> list[Run]:
    """Return a run for each network, setting and seed, the seeds side by side.

    Args:
        networks: Pairs of decoder and encoder.
        settings: What else sets the runs apart, fields of `Run`.
        seeds: Seeds of each.
        **common: Fields of `Run` that all share.
    """
    settings, seeds = list(settings), list(seeds)
    return [
        Run(decoder=decoder, encoder=encoder, seed=seed, **{**common, **setting})
        for decoder, encoder in networks
        for setting in settings
        for seed in seeds
    ]


def ablation(prefix: str) -> list[Run]:
    """Return DIDA's run from GTA to Cityscapes with each of the ablations of a kind.

    Args:
        prefix: How their names in `ABLATIONS` start.
    """
    names = [name for name in ABLATIONS if name.startswith(prefix)]
    return [Run(**DIDA, ablation=name) for name in names]


def encoders_and_decoders() -> list[Run]:
    """Return the study of networks."""
    networks = [
        DEEPLAB,
        *((decoder, 'r101v1c') for decoder in ('da_nodbn', 'isa_nodbn', 'dlv3p_nodbn')),
        SEGFORMER,
    ]
    return grid(networks, [SOURCE_ONLY, DACS, TARGET_ONLY], ALL_SEEDS)


def exchanged_parts() -> list[Run]:
    """Return the study of what matters more, encoder or decoder."""
    return grid([MIT_WITH_DEEPLAB, RESNET_WITH_SEGFORMER], [DACS, TARGET_ONLY], ALL_SEEDS)


def encoder_sizes() -> list[Run]:
    """Return the study of deeper encoders."""
    networks = [
        *(('dlv2red', encoder) for encoder in ('r50v1c', 's50', 's101', 's200')),
        *(('segformer', encoder) for encoder in ('mitb3', 'mitb4')),
    ]
    return grid(networks, [SOURCE_ONLY, DACS, TARGET_ONLY])


def without_warmup() -> list[Run]:
    """Return the study of learning rate warm-up."""
    return grid([DEEPLAB, SEGFORMER], [DACS, TARGET_ONLY], schedule='poly10')


def training_steps() -> list[Run]:
    """Return the study of rare class sampling and the feature distance."""
    return grid([SEGFORMER], STEPS, ALL_SEEDS) + grid([DEEPLAB], [DAFORMER], ALL_SEEDS)


def decoders() -> list[Run]:
    """Return the study of decoders."""
    return grid([(decoder, 'mitb5') for decoder in DECODERS], [DAFORMER])


def all_networks_shortly() -> list[Run]:
    """Return two iterations of every network."""
    return grid(NETWORKS, [TARGET_ONLY], **SHORT)


def all_methods_shortly() -> list[Run]:
    """Return two iterations of every method."""
    return grid([SEGFORMER], [SOURCE_ONLY, TARGET_ONLY, DACS, *STEPS], **SHORT)


def bad_weather_and_night() -> list[Run]:
    """Return the runs from Cityscapes to ACDC and to Dark Zurich."""
    network = [('daformer_sepaspp', 'mitb5')]
    # The rows left out elsewhere are over the bonnet of Cityscapes' car.
    methods = [
        SOURCE_ONLY,
        *({**method, 'crop_pseudo_labels': False} for method in (DAFORMER, DIDA)),
    ]
    return [
        run
        for target in ('acdc', 'darkzurich')
        for run in grid(network, methods, source='cityscapes', target=target)
    ]
