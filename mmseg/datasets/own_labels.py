"""Converting a person's own labels to train ids, as a mapping file says."""

from collections.abc import Callable, Sequence
from pathlib import Path

from mmseg.utils.atomic import atomic_path

from .class_mapping import ClassMapping
from .label_conversion import LabelFile, convert_labels, require_writable
from .statistics_files import STATS_FILE, USED_MAPPING

_NUM_SEARCHED = 50
_NUM_SHOWN = 5


def convert_own_labels(
    mapping_file: Path,
    root: Path,
    out_dir: Path | None = None,
    num_processes: int = 1,
    tell: Callable[[str], object] = print,
) -> ClassMapping:
    """Convert the labels of a data set that are not converted yet, and write its statistics.

    Args:
        mapping_file: Says where images and labels lie, and what stands for which class.
        root: Folder of the data set.
        out_dir: Folder for converted labels and statistics; None for beside the labels, and root.
        num_processes: Number of processes to use.
        tell: Told, a line at a time, what the labels hold that no class lists.

    Returns:
        What the mapping file says.

    Raises:
        UserError: A file is not as it should be, or there is none, or a folder is read-only.
    """
    mapping = ClassMapping.from_file(mapping_file)
    statistics = out_dir or root
    files = mapping.find_labels(root, out_dir)
    require_writable([statistics, *{file.converted.parent for file in files}])
    _forget_other_mapping(mapping_file, statistics, files, tell)
    unlisted = mapping.unlisted(file.original for file in files[:_NUM_SEARCHED])
    for value, share in list(unlisted.items())[:_NUM_SHOWN]:
        tell(f'no class lists {value}, {share:.2%} of the pixels: ignored')
    if len(unlisted) > _NUM_SHOWN:
        tell(f'nor {len(unlisted) - _NUM_SHOWN} more values, all rarer than these')
    unchanged = {index: index for index in range(len(mapping.classes))}
    convert_labels(files, mapping.read, unchanged, statistics, num_processes)
    return mapping


def _forget_other_mapping(
    mapping: Path, out_dir: Path, files: Sequence[LabelFile], tell: Callable[[str], object]
) -> None:
    """Remove what was converted with another mapping, or by another tool."""
    used, text = out_dir / USED_MAPPING, mapping.read_text(encoding='utf-8')
    if used.is_file() and used.read_text(encoding='utf-8') == text:
        return
    old = [file.converted for file in files if file.converted.is_file()]
    if old:
        tell(f'{len(old)} labels were converted with another mapping: they are converted again')
    for path in (out_dir / STATS_FILE, *old):
        path.unlink(missing_ok=True)
    with atomic_path(used) as temporary:
        temporary.write_text(text, encoding='utf-8')
