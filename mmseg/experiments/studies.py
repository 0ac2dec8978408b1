"""The studies: DAFormer's, as published, and what DIDA's instance level is made of."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .configs import ABLATIONS, Masks, Run

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


def several_sources_and_targets() -> list[Run]:
    """Return the runs from GTA and Synthia to Cityscapes and ACDC, each as often as the other."""
    # Which rows get no pseudo labels depends on the target, so its file says it.
    methods = [
        SOURCE_ONLY,
        *({**method, 'crop_pseudo_labels': False} for method in (DAFORMER, DIDA)),
    ]
    network = [('daformer_sepaspp', 'mitb5')]
    return grid(network, methods, source='gta_synthia', target='cityscapes_acdc')


# --- HRDA and MIC: as published, on large crops in full resolution, or on DAFormer's own ---
_TWO_SCALES = 'hrda1-512-0.1_daformer_sepaspp_sl'
_RARE_IN_LARGE_CROPS: Settings = {'rcs_temperature': 0.01, 'rcs_min_crop_ratio': 2.0}
_HR: Settings = {'method': 'dacs_a999_fdthings', **_RARE_IN_LARGE_CROPS}
_TO_CITYSCAPES_HR: Settings = {'target': 'cityscapesHR', 'crop_margins': True}
# As the published generator has it.
_PUBLISHED: Settings = {
    'overrides': {
        'data': {'workers_per_gpu': 1},
        'checkpoint_config': {'interval': 40000, 'max_keep_ckpts': 1},
        'evaluation': {'interval': 4000},
    }
}
GTA_HR: Settings = {'source': 'gtaHR', **_TO_CITYSCAPES_HR}
SYNTHIA_HR: Settings = {'source': 'synthiaHR', **_TO_CITYSCAPES_HR}
ACDC_HR: Settings = {'source': 'cityscapesHR', 'target': 'acdcHR'}
DARK_ZURICH_HR: Settings = {'source': 'cityscapesHR', 'target': 'darkzurichHR'}


def _on_pairs(settings: Iterable[Settings], seeds: Iterable[int] = ALL_SEEDS) -> list[Run]:
    """Return HRDA's runs with DAFormer's head, the seeds of each side by side."""
    seeds = list(seeds)
    common = {'decoder': _TWO_SCALES, **_HR, **_PUBLISHED}
    return [Run(**{**common, **setting, 'seed': seed}) for setting in settings for seed in seeds]


def _mic_on_daformer(all_masks: Iterable[Masks]) -> list[Run]:
    common = {**DAFORMER, **_PUBLISHED}
    return [Run(**common, masks=masks, seed=seed) for masks in all_masks for seed in ALL_SEEDS]


def hrda() -> list[Run]:
    """Return HRDA on GTA and Synthia."""
    return _on_pairs([GTA_HR, SYNTHIA_HR])


def hrda_in_bad_weather() -> list[Run]:
    """Return HRDA from Cityscapes to ACDC and to Dark Zurich."""
    return _on_pairs([ACDC_HR, DARK_ZURICH_HR])


def hrda_crop_sizes() -> list[Run]:
    """Return DAFormer in crops of other sizes, at half resolution and at full."""
    half: Settings = {'source': 'gta', 'target': 'cityscapes', 'rcs_min_crop_ratio': 0.5}
    one_scale: Settings = {'crop_margins': True, 'decoder': 'daformer_sepaspp_sl'}
    sizes: list[Settings] = [
        *({**half, 'sync_crop_size': side} for side in (128, 256, 384, None)),
        *({**GTA_HR, 'sync_crop_size': side} for side in (256, 512, 768)),
    ]
    runs = _on_pairs({**one_scale, **size} for size in sizes)
    # So many small windows are not tested as one batch.
    return [_windows_as_batch(run, is_batch=not _has_tiny_windows(run)) for run in runs]


def _has_tiny_windows(run: Run) -> bool:
    return run.target.endswith('HR') and run.crop == 256


def hrda_crop_sizes_of_target_only() -> list[Run]:
    """Return the same, trained on the target's own labels."""
    settings: list[Settings] = [
        *({'target': 'cityscapes', 'crop_size': side} for side in (128, 256, 384, 512)),
        *({'target': 'cityscapesHR', 'crop_size': side} for side in (256, 512, 768)),
    ]
    common = {**TARGET_ONLY, 'source': '', 'decoder': 'daformer_sepaspp_sl', **_PUBLISHED}
    runs = [Run(**{**common, **s, 'seed': seed}) for s in settings for seed in ALL_SEEDS]
    return [_windows_as_batch(run, is_batch=True) for run in runs]


def _windows_as_batch(run: Run, is_batch: bool) -> Run:
    windows = {'model': {'test_cfg': {'batched_slide': is_batch}}}
    return replace(run, overrides={**run.overrides, **windows})


def hrda_scale_attention() -> list[Run]:
    """Return the ablations of HRDA's parts."""
    decoder = 'hrda1-{}_daformer_sepaspp_sl'
    crops = [('512-0.1', 512), ('512-0.1', 768), ('256-0.1', None), ('384-0.1', None)]
    crops.append(('384-0.1', 768))
    same_scale: Settings = {
        'source': 'gta',
        'target': 'cityscapes',
        'rcs_min_crop_ratio': 0.5,
        'decoder': decoder.format('256-0.1-samescale'),
        'crop_margins': True,
    }
    options = ('512-0.1-blurhr', '512-0-fixedatt-nooverlap', '512-0-nooverlap', '512-0')
    weights = [f'512-0.{tenths}' for tenths in range(2, 8)]
    scales = [('512-0.1-sc0.25', 512), ('512-0.1-sc0.75', 512)]
    return _on_pairs(
        [
            *_with_second_crops(decoder, crops),
            same_scale,
            *_with_second_crops(decoder, [(name, None) for name in (*options, *weights)]),
            *_with_second_crops(decoder, scales),
        ]
    )


def _with_second_crops(decoder: str, crops: Iterable[tuple[str, int | None]]) -> list[Settings]:
    """Return settings on GTA for each architecture and side of the second crop."""
    return [
        {**GTA_HR, 'decoder': decoder.format(name), 'sync_crop_size': side} for name, side in crops
    ]


def mic() -> list[Run]:
    """Return MIC on HRDA, on all four pairs."""
    target, both = Masks(), Masks('sep')
    return _on_pairs(
        [
            {**GTA_HR, 'masks': target},
            {**SYNTHIA_HR, 'masks': target},
            {**ACDC_HR, 'masks': both},
            {**DARK_ZURICH_HR, 'masks': both},
        ]
    )


def mic_domains() -> list[Run]:
    """Return MIC with masks on the source, or on both domains."""
    return _on_pairs(
        [
            *({**GTA_HR, 'masks': Masks(mode)} for mode in ('spsa', 'spa')),
            *({**ACDC_HR, 'masks': Masks(mode)} for mode in ('sps', 'spt')),
        ]
    )


def mic_parts() -> list[Run]:
    """Return the ablation of MIC's parts, on DAFormer."""
    return _mic_on_daformer(
        [
            Masks('spt', 32),
            Masks(block_size=32, ratio=0),
            Masks(block_size=32, alpha=0),
            Masks(block_size=32, pseudo_threshold=None),
        ]
    )


def mic_blocks() -> list[Run]:
    """Return the ablation of MIC's blocks and ratios, on DAFormer; the published one is in 81."""
    sizes = [(size, ratio) for size in (16, 32, 64, 128) for ratio in (0.3, 0.5, 0.7, 0.9)]
    return _mic_on_daformer(
        Masks(block_size=size, ratio=ratio) for size, ratio in sizes if (size, ratio) != (32, 0.7)
    )


def mic_supervised() -> list[Run]:
    """Return masked consistency without adaptation, on Cityscapes' own labels."""
    common: Settings = {'method': 'dacs_srconly', 'source': 'cityscapes', **_PUBLISHED}
    return [Run(**common, masks=Masks('sps', 32), seed=seed) for seed in ALL_SEEDS]


def mic_on_other_methods() -> list[Run]:
    """Return MIC on DACS and DAFormer, with DeepLabv2 and with DAFormer's network."""
    masks = Masks(block_size=32)
    deeplab = {'decoder': 'dlv2red', 'encoder': 'r101v1c'}
    settings: list[Settings] = [
        {**deeplab, **DACS, 'masks': masks},
        {**deeplab, **DAFORMER, 'masks': masks},
        {**deeplab, **GTA_HR, **_HR, 'decoder': 'hrda1-512-0.1_dlv2red_sl', 'masks': Masks()},
        {**DAFORMER, 'masks': masks},
    ]
    return [Run(**{**_PUBLISHED, **s, 'seed': seed}) for s in settings for seed in ALL_SEEDS]


def hrda_on_other_methods() -> list[Run]:
    """Return DACS and DAFormer with DeepLabv2, at one scale and at two."""
    deeplab: Settings = {'decoder': 'dlv2red', 'encoder': 'r101v1c'}
    two: Settings = {**GTA_HR, 'encoder': 'r101v1c', 'decoder': 'hrda1-512-0.1_dlv2red'}
    margins = {'rcs_temperature': 0.01, 'crop_margins': True}
    settings: list[Settings] = [
        {**deeplab, **DACS},
        {**two, **DACS, 'crop_margins': False},
        {**deeplab, 'method': 'dacs_a999_fdthings', **margins},
        {**two, **_HR},
    ]
    return [Run(**{**_PUBLISHED, **s, 'seed': seed}) for s in settings for seed in ALL_SEEDS]


def dida_on_mic_and_hrda() -> list[Run]:
    """Return DIDA with MIC, with HRDA and with both, on GTA and on Synthia."""
    runs = []
    for large, source in ((GTA_HR, 'gta'), (SYNTHIA_HR, 'synthia')):
        settings: list[Settings] = [
            {**DIDA, 'source': source, 'masks': Masks(block_size=32)},
            {**_HR, **large, 'decoder': _TWO_SCALES, 'method': 'dida'},
            {**_HR, **large, 'decoder': _TWO_SCALES, 'method': 'dida', 'masks': Masks()},
        ]
        runs += [Run(**{**_PUBLISHED, **setting}) for setting in settings]
    return runs


def foundation_encoders() -> list[Run]:
    """Return DIDA on plain transformers, from GTA to Cityscapes and from there to ACDC.

    Crops, batch, schedule and rates are those of VFM-UDA (Englert et al., CVPR-W 2024: AdamW with
    5e-5 for the head and a tenth of it for the encoder, 1500 iterations of warm-up, 40,000 in all,
    batches of 8 and images of 1024×1024). The feature distance is off: it is reported to hurt.
    """
    training = {
        'uda': {'imnet_feature_dist_lambda': 0},
        'optimizer': {'paramwise_cfg': {'custom_keys': {'neck': {'lr_mult': 10.0}}}},
    }
    common: Settings = {
        **_RARE_IN_LARGE_CROPS,
        'method': 'dida',
        'decoder': 'daformer_sepaspp_sl',
        'learning_rate': 5e-6,
        'samples_per_gpu': 8,
        'overrides': training,
    }
    return [
        Run(**{**common, **pair, 'encoder': encoder})
        for pair in (GTA_HR, ACDC_HR)
        for encoder in ('dinov2b', 'dinov2l', 'dinov3b')
    ]
