"""Names that configs carry along: they describe a run, or helped to write its other keys."""

_HELPERS = {
    'backbone_norm_cfg': 'The norm of backbones.',
    'crop_size': 'Crop of the training images; the web page and the demo take windows of it.',
    'data_root': 'Folder of a data set.',
    'dataset_type': '`type` of a data set.',
    'eval_classes': 'Classes that count.',
    'img_norm_cfg': 'Settings of `Normalize`.',
    'img_scale': 'Size to resize images to.',
    'norm_cfg': 'The norm of heads.',
}
_NOTES = {
    'exp': 'Number of an experiment.',
    'find_unused_parameters': 'Published; processes share a training alike with or without it.',
    'git_rev': 'Published revision.',
    'gpu_ids': 'Published; `torchrun` says how many processes there are.',
    'n_gpus': 'Published; `torchrun` says how many processes there are.',
    'name': "The run's name, in reports.",
    'use_ddp_wrapper': 'Published; processes share a training alike with or without it.',
}
DESCRIPTIONS = {**_HELPERS, **_NOTES}
_HELPER_SUFFIX = '_pipeline'
_PREFIXES = ('name_', '_')


def only_helps_to_write(name: str) -> bool:
    """Whether a key of a config is put into others when the file is read, and then done with."""
    return name in _HELPERS or name.startswith('_') or name.endswith(_HELPER_SUFFIX)


def describes_only(key: str) -> bool:
    """Whether a setting, by its dotted name, is none that is read: a name, a note, a helper."""
    name = key.split('.')[0]
    return name in DESCRIPTIONS or name.startswith(_PREFIXES) or name.endswith(_HELPER_SUFFIX)
