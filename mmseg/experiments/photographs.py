"""The evidence on real images: every method on small pairs, from ImageNet weights."""

from collections.abc import Sequence
from dataclasses import replace

from .configs import ABLATIONS, PHOTOMETRIC, WITHOUT_ADAPTATION, ConfigDict, Run

# What is fixed for all pairs and methods, before any label of a target is read.
UDA: ConfigDict = dict(
    alpha=0.99,  # a short run: the teacher must not lag behind by more than it lasts
    debug_img_interval=300,
)
INSTANCE: ConfigDict = dict(
    num_entries=110,
    momentum=0.9,  # a short run: the bank must keep up
    update_interval=1,
)

DECODER = 'daformer_sepaspp_ch64'
# The detail is half as wide as the crops of 192×192.
TWO_SCALES = f'hrda1-96-0.1_{DECODER}'
# Method, its ablation, and the decoder.
METHODS: Sequence[tuple[str, str | None, str]] = (
    ('source-only', None, DECODER),
    ('dacs', None, DECODER),
    ('daformer', None, DECODER),
    ('dida', None, DECODER),
    ('dida', 'paper', DECODER),
    ('mic', None, DECODER),
    ('dida_mic', None, DECODER),
    ('target-only', None, DECODER),
    ('daformer', None, TWO_SCALES),
    ('dida', None, TWO_SCALES),
    ('dida_mic', None, TWO_SCALES),
    ('dida_plus', None, DECODER),
    (PHOTOMETRIC, None, DECODER),
)
SEEDS = (0, 1, 2, 3, 4)

# The pairs, each with the classes of things.
_STREET_THINGS = [6, 7, 11, 12, 13, 14, 15, 16, 17, 18]
STREETS: ConfigDict = dict(source='streets_gta', target='streets_cityscapes', things=_STREET_THINGS)
DUSK: ConfigDict = dict(source='camvid_day', target='camvid_dusk', things=_STREET_THINGS)
GAME: ConfigDict = dict(source='game', target='camvid', things=[5, 8, 9, 10], num_classes=11)
WEEDS: ConfigDict = dict(source='weeds_rgb', target='weeds_nir', things=[1, 2], num_classes=3)


def runs_of_pair(
    source: str,
    target: str,
    things: Sequence[int],
    num_classes: int | None = None,
    max_iters: int = 450,
) -> list[Run]:
    """Return the runs of every method, the seeds of each side by side.

    Args:
        source: The labelled domain.
        target: The domain to adapt to.
        things: Train ids that the feature distance looks at.
        num_classes: Classes of the pair; Cityscapes' where None.
        max_iters: Iterations of each run.
    """
    head = {} if num_classes is None else {'decode_head': {'num_classes': num_classes}}
    run = Run(
        'source-only',
        source=source,
        target=target,
        encoder='effnetlite0',
        decoder=DECODER,
        learning_rate=5e-4,
        head_lr_mult=3.0,
        max_iters=max_iters,
        rcs_min_pixels=300,
        overrides=dict(
            model=head,
            data=dict(workers_per_gpu=1),
            lr_config=dict(warmup_iters=100),
            checkpoint_config=dict(interval=max_iters, max_keep_ckpts=1),
            evaluation=dict(interval=max_iters),
            log_config=dict(interval=50),
        ),
    )
    return [
        replace(_with_decoder(_with_method(run, method, variant, things), decoder), seed=seed)
        for method, variant, decoder in METHODS
        for seed in SEEDS
    ]


# The second stages that tell what the instance level makes of a network of DAFormer's.
INSTANCE_LEVELS: Sequence[tuple[str, str | None]] = (
    ('daformer', None),
    ('dida', None),
    ('dida', 'paper'),
    ('dida_plus', None),
)
# The search for `dida_plus`, on drawn scenes alone: no photograph of a target has a say in it.
SEARCHED: Sequence[tuple[str, str | None]] = (
    ('daformer', None),
    ('dida', None),
    ('dida', 'paper'),
    *(('dida', name) for name in ABLATIONS if name.startswith('search-')),
)


def runs_in_two_stages(
    source: str,
    target: str,
    things: Sequence[int],
    num_classes: int | None = None,
    methods: Sequence[tuple[str, str | None]] = INSTANCE_LEVELS,
    seeds: Sequence[int] = SEEDS,
    max_iters: int = 450,
    more_iters: int = 200,
) -> list[Run]:
    """Return runs of DAFormer, and runs that go on with the networks that these give.

    In so few iterations a network is hardly sure of anything, and self-training waits for that; a
    second stage, with a learning rate of its own, begins with a network that knows something, as
    the published bank does.

    Args:
        source: See `runs_of_pair`.
        target: See `runs_of_pair`.
        things: See `runs_of_pair`.
        num_classes: See `runs_of_pair`.
        methods: Those of the second stage, each with its ablation.
        seeds: Seeds, side by side.
        max_iters: Iterations of the first stage.
        more_iters: Iterations of the second.
    """
    source_only = runs_of_pair(source, target, things, num_classes, max_iters)[0]
    first = _with_method(source_only, 'daformer', None, things)
    shorter = {
        'lr_config': {'warmup_iters': 20},
        'checkpoint_config': {'interval': more_iters, 'max_keep_ckpts': 1},
        'evaluation': {'interval': more_iters},
    }
    second = replace(
        first,
        starts_from=first.method,
        max_iters=more_iters,
        overrides={**first.overrides, **shorter},
    )
    stages = [first, *(_with_method(second, *method, things) for method in methods)]
    return [replace(run, seed=seed) for run in stages for seed in seeds]


# What is labelled of the target: so many images, drawn or suggested by tools/suggest_labels.py.
LABELLED = ('random4', 'suggested4', 'random16', 'suggested16', 'all')


def runs_with_target_labels(
    source: str,
    target: str,
    things: Sequence[int],
    seeds: Sequence[int] = (0, 1, 2),
    max_iters: int = 300,
) -> list[Run]:
    """Return what a few labels of the target buy: adapting with them, and learning from them alone.

    Args:
        source: See `runs_of_pair`.
        target: See `runs_of_pair`.
        things: See `runs_of_pair`.
        seeds: Seeds, side by side.
        max_iters: Iterations of each run.
    """
    every = runs_of_pair(source, target, things, max_iters=max_iters)
    adapted, alone = (
        next(run for run in every if run.method == method) for method in ('daformer', 'target-only')
    )
    kinds = [
        adapted,
        *(replace(adapted, target_labels=labels) for labels in LABELLED),
        *(replace(alone, target_labels=labels) for labels in LABELLED),
    ]
    return [replace(run, seed=seed) for run in kinds for seed in seeds]


def _with_decoder(run: Run, decoder: str) -> Run:
    if decoder == DECODER:
        return run
    # As many channels as the head has.
    head = {**run.overrides['model'].get('decode_head', {}), 'attention_embed_dim': 64}
    overrides = {**run.overrides, 'model': {'decode_head': head}}
    return replace(run, decoder=decoder, overrides=overrides)


def _with_method(run: Run, method: str, variant: str | None, things: Sequence[int]) -> Run:
    if method in WITHOUT_ADAPTATION:
        return replace(run, method=method)
    uda: ConfigDict = dict(UDA)
    if method != 'dacs':
        uda['imnet_feature_dist_classes'] = list(things)
    if method.startswith('dida'):
        uda['instance'] = dict(INSTANCE)
    return replace(
        run,
        method=method,
        ablation=variant,
        rcs_temperature=None if method == 'dacs' else 0.01,
        overrides={**run.overrides, 'uda': uda},
    )
