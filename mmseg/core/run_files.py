"""The files of a run in its work dir: whether there are any, which are of a branch given up."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from mmseg.utils.errors import UserError
from mmseg.utils.links import is_same
from mmseg.utils.logger import get_root_logger

from .checkpoint import LATEST, point_latest_to
from .checkpoint_reading import iteration_of, saved_checkpoints
from .json_logs import find_logs, read_records

ABANDONED = 'abandoned'
# Scores of a run's networks without labels.
CHOOSING = 'choosing.json'
_PANEL = re.compile(r'(\d{6,})\.png')
_OF_THE_NEWEST = ('result.json', 'report.html', 'report', CHOOSING)
# What training and testing write, by the folder that they write it in.
_WRITTEN = {
    '.': (
        *('[0-9]*_[0-9]*.log', '*.log.json', 'iter_*.pth', 'best_*_iter_*.pth', LATEST),
        *('config.json', 'result.json', 'report.html', CHOOSING),
    ),
    'debug': ('[0-9]*.png',),
    'non_finite': ('iter_*_rank_*.pth',),
    'preds': ('**/*.png', 'pre_log.out', 'calibration.out'),
    'preds_teacher': ('**/*.png', 'pre_log.out', 'calibration.out'),
    'report': ('examples.json', '[0-9]*/*.png', '[0-9]*/image.jpg'),
    'tf_logs': ('**/events.out.tfevents.*',),
}


def describe_run(work_dir: Path) -> str | None:
    """Say what a run has left in a work dir.

    Returns:
        None where it has left no checkpoint and not one record of training or evaluation, as runs
        that failed at their start.
    """
    checkpoints = [path.name for path in saved_checkpoints(work_dir)]
    if not checkpoints and (work_dir / LATEST).exists():
        checkpoints = [LATEST]
    return ', '.join([*_logged(work_dir), *checkpoints[:1]]) or None


def _logged(work_dir: Path) -> list[str]:
    if not any(work_dir.glob('*.log.json')):
        return []
    try:
        records = read_records(find_logs(work_dir))
    except UserError:
        return ['a log that cannot be read']
    iterations = [r.get('iter', 0) for r in records if r.get('mode') in ('train', 'val')]
    return [f'a log of {max(iterations)} iterations'] if iterations else []


def remove_run(work_dir: Path, timestamp: str | None = None) -> None:
    """Remove what a run has left in a work dir; files that no run writes stay.

    Args:
        work_dir: Its folder.
        timestamp: Names the logs of a run that has begun there since: they stay. Without one the
            folder goes too where it is then empty.
    """
    for path in list(_written_files(work_dir)):
        if timestamp is None or not path.name.startswith(timestamp):
            path.unlink(missing_ok=True)
    whole = [work_dir] if timestamp is None else []
    for folder in [*sorted(_written_folders(work_dir), reverse=True), *whole]:
        if not any(folder.iterdir()):
            folder.rmdir()


def written_by_run(work_dir: Path, path: Path) -> bool:
    """Say whether `remove_run` would remove a file, under this name or where it points to."""
    return any(is_same(path, file) for file in _written_files(work_dir))


def leave_branch(work_dir: Path, iteration: int, resumed: Path | None, timestamp: str) -> None:
    """Let a work dir hold one branch: what a run saved beyond the iteration it goes back to moves.

    It goes to `abandoned/<timestamp>`, a work dir of its own: with the config and the logs it can
    be tested, reported on and gone on with. `latest.pth` points at where the run is then. What was
    logged beyond the iteration is left out where logs are read.

    Args:
        work_dir: Folder of the run.
        iteration: Where it goes on; 0 for one that begins.
        resumed: The checkpoint that it goes on from, wherever that is.
        timestamp: Names the start of the run.
    """
    beyond = [p for p in saved_checkpoints(work_dir) if iteration_of(p) > iteration]
    beyond = [path for path in beyond if resumed is None or not is_same(path, resumed)]
    if beyond:
        _set_aside(work_dir, beyond, iteration, work_dir / ABANDONED / timestamp)
    _point_latest(work_dir, iteration, resumed, bool(beyond))


def _point_latest(work_dir: Path, iteration: int, resumed: Path | None, is_stale: bool) -> None:
    """Let `latest.pth` stand for where the run is, as far as that is saved in its work dir."""
    latest = work_dir / LATEST
    now = [path for path in saved_checkpoints(work_dir) if iteration_of(path) == iteration]
    now.sort(key=lambda path: resumed is None or not is_same(path, resumed))
    is_stale = is_stale or not latest.exists()
    if now and (is_stale or (latest.is_symlink() and not is_same(latest, now[0]))):
        point_latest_to(now[0])
    elif is_stale:
        latest.unlink(missing_ok=True)


def _set_aside(work_dir: Path, checkpoints: list[Path], iteration: int, aside: Path) -> None:
    """Move a branch's checkpoints, the newest first, and all that tells of its end."""
    aside.mkdir(parents=True, exist_ok=True)
    for path in [work_dir / 'config.json', *work_dir.glob('*.log.json')]:
        if path.is_file():
            shutil.copyfile(path, aside / path.name)
    told = [path for name in _OF_THE_NEWEST if (path := work_dir / name).exists()]
    for path in [*checkpoints, *told]:
        _move(path, aside / path.name)
    for path in (work_dir / 'debug').glob('*.png'):
        panel = _PANEL.fullmatch(path.name)
        if panel and int(panel[1]) > iteration:
            _move(path, aside / 'debug' / path.name)
    point_latest_to(aside / checkpoints[0].name)
    names = ', '.join(sorted(path.name for path in checkpoints))
    get_root_logger().info(
        f'the branch beyond iteration {iteration} is given up: {names} are in {aside} now'
    )


def _move(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink():  # one that counts from its folder would lead nowhere
        target.symlink_to(path.resolve())
        path.unlink()
    else:
        shutil.move(path, target)


def _written_files(work_dir: Path) -> Iterator[Path]:
    for folder, patterns in _WRITTEN.items():
        if folder != '.' and (work_dir / folder).is_symlink():
            continue  # what a link leads to is not of this run alone
        for pattern in patterns:
            # a pattern without wildcards finds no link that leads nowhere
            top = work_dir / folder
            found = top.glob(pattern) if '*' in pattern else [top / pattern]
            yield from (path for path in found if path.is_symlink() or path.is_file())
    for aside in (work_dir / ABANDONED).glob('[0-9]*'):
        if aside.is_dir():
            yield from _written_files(aside)


def _written_folders(work_dir: Path) -> list[Path]:
    tops = [work_dir / name for name in (*_WRITTEN, ABANDONED) if name != '.']
    tops = [top for top in tops if top.is_dir() and not top.is_symlink()]
    below = (path for top in tops for path in top.rglob('*'))
    return [*tops, *(path for path in below if path.is_dir() and not path.is_symlink())]
