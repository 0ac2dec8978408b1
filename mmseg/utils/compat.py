"""What `mmseg.utils` of mmsegmentation 0.16 and DAFormer offers, and where it stands here."""

from collections.abc import Mapping

NAMES: Mapping[str, str] = {
    'UserError': 'errors:UserError',  # for code that wants to catch it
    'collect_env': 'environment:collect_env',
    'get_root_logger': 'logger:get_root_logger',
}
PLACES: Mapping[str, Mapping[str, str]] = {
    'collect_env': {'collect_env': 'environment:collect_env'},
    'utils': {
        'np_local_seed': 'seed:np_local_seed',
        'downscale_label_ratio': 'it is mmseg.ops.downscale_label, with its arguments in order',
    },
}
