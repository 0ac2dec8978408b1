"""The command that makes a data set's labels and statistics, for messages that it would mend."""

import os.path as osp
from pathlib import Path

from mmseg.utils.programs import how_to_call

from .listing import is_within
from .statistics_files import CONVERTED, USED_MAPPING

# Each converter's folder of labels, where no other is named.
_LABEL_DIRS = {'gta': 'labels', 'synthia': 'GT/LABELS', 'cityscapes': 'gtFine'}
# Of these the folder's parts are split by city or the like.
_WITH_PARTS = ('cityscapes',)


def convert_command(
    converter: str | None, root: str | None, ann_dir: str | None, stats_dir: str, label_suffix: str
) -> str | None:
    """Return the command that converts a data set as it is configured.

    Args:
        converter: Name of its converter; None for own data.
        root: Folder of the data set.
        ann_dir: Folder of its label maps, a whole path.
        stats_dir: Folder of its statistics, a whole path.
        label_suffix: End of a label map's name.

    Returns:
        The command; None where no converter made or will make the labels.
    """
    root = root or '.'
    options = ['--nproc', '8']
    if not (osp.isdir(stats_dir) and osp.isdir(root) and osp.samefile(stats_dir, root)):
        options = ['--out-dir', stats_dir, *options] if stats_dir else options
    if converter is None:
        mapping = Path(stats_dir) / USED_MAPPING
        if not (label_suffix == CONVERTED and mapping.is_file()):
            return None
        name, arguments = 'custom', [root, str(mapping)]
    else:
        name, arguments = converter, [root]
        options = [*_label_dir(converter, root, ann_dir, stats_dir), *options]
    return how_to_call(f'tools/convert_datasets/{name}.py', *arguments, *options)


def _label_dir(converter: str, root: str, ann_dir: str | None, stats_dir: str) -> list[str]:
    """Return the option that names another folder of labels than the usual one."""
    bases = [base for base in (root, stats_dir) if ann_dir and base and is_within(ann_dir, base)]
    if not bases or ann_dir is None:
        return []
    folder = Path(osp.relpath(ann_dir, bases[0])).as_posix()
    if converter in _WITH_PARTS:
        folder = folder.split('/')[0]
    return [] if folder in ('.', _LABEL_DIRS[converter]) else ['--label-dir', folder]
