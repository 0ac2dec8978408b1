"""Whose a work dir is: a run's files belong to one run, and another one has to be asked for."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmcv.utils import Config

from mmseg.core.run_files import describe_run, written_by_run
from mmseg.core.settings import CheckpointSettings
from mmseg.utils.command import begun_command, said_again
from mmseg.utils.errors import UserError
from mmseg.utils.links import is_same

from .work_dir import CONFIG_NAME, config_text

_MAX_SHOWN = 5
# They say where a run's files are and what it goes on from, not what it is.
_NOT_COMPARED = frozenset({'work_dir', 'resume_from', 'git_rev', 'deterministic'})


def claim_work_dir(cfg: Config, auto_resume: bool = False, overwrite: bool = False) -> None:
    """Refuse to train in a work dir that holds another run, unless it is said what becomes of it.

    Nothing is written or removed.

    Args:
        cfg: The run's config, with `work_dir` and perhaps `resume_from` and `load_from`.
        auto_resume: Whether the run there is to be gone on with.
        overwrite: Whether what it left is to be removed.

    Raises:
        UserError: The work dir is in use; names what differs between the configs and what to do.
    """
    work_dir = Path(cfg.work_dir)
    if overwrite:
        _check_overwrite(cfg, work_dir, auto_resume)
        return
    resumed = CheckpointSettings.of(cfg).resume_from
    is_gone_on_with = resumed and is_same(Path(os.path.realpath(resumed)).parent, work_dir)
    if auto_resume:
        _check_moved(cfg, work_dir)
    if auto_resume or is_gone_on_with or describe_run(work_dir) is None:
        return
    raise work_dir_in_use(work_dir, cfg)


def _check_moved(cfg: Config, work_dir: Path) -> None:
    """Refuse to begin at the place that a run was moved from when it is to be gone on with."""
    file = Path(cfg.filename or '.')
    home = file.parent
    is_elsewhere = file.name == CONFIG_NAME and not is_same(home, work_dir)
    if is_elsewhere and describe_run(home) and not describe_run(work_dir):
        raise UserError(
            f'{file} is the config of the run in {home}, which was in {work_dir} when it was '
            f'written: give --work-dir {home} too'
        )


def work_dir_in_use(work_dir: Path, cfg: Config, another: str = 'another --work-dir') -> UserError:
    """Return the error that says what a work dir holds, and the three ways out.

    Args:
        work_dir: A folder that holds a run.
        cfg: The config of another run, which was to be trained there.
        another: What would keep both.
    """
    words, resumed = begun_command(), CheckpointSettings.of(cfg).resume_from
    not_of_it = f'{resumed} is not of it. ' if resumed else ''
    return UserError(
        f'{work_dir} holds a run already ({describe_run(work_dir)}); '
        f'{compared_with(work_dir, cfg)}. {not_of_it}'
        f'Go on with it: {said_again(words, "--resume")}; replace it: '
        f'{said_again(words, "--overwrite")}; or keep both: {another}'
    )


def compared_with(work_dir: Path, cfg: Config) -> str:
    """Phrase what differs between the config of the run in a work dir and another config."""
    try:
        there = json.loads((work_dir / CONFIG_NAME).read_text(encoding='utf-8'))
        here = {'seed': 0, **json.loads(config_text(cfg))}
    except (OSError, ValueError, TypeError):  # gone, damaged, or made of more than plain values
        return f'it has no {CONFIG_NAME} to compare with'
    differences = list(config_differences(there, here))
    if not differences:
        return 'its config is the same'
    more = len(differences) - _MAX_SHOWN
    shown = ', '.join(differences[:_MAX_SHOWN]) + f', and {more} more' * (more > 0)
    return f'its config differs: {shown}'


def config_differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> Iterator[str]:
    """Name the settings in which two configs differ, one by one.

    Args:
        there: A run's whole config.
        here: Another one.

    >>> list(config_differences({'data': {'split': 'a'}, 'seed': 0}, {'data': {}, 'seed': 0}))
    ["data.split: 'a' there, nothing here"]
    """
    there, here = ({k: v for k, v in c.items() if k not in _NOT_COMPARED} for c in (there, here))
    yield from _differences(there, here, '')


def _differences(there: Any, here: Any, place: str) -> Iterator[str]:
    if isinstance(there, Mapping) and isinstance(here, Mapping):
        for key in {**there, **here}:
            yield from _differences(there.get(key), here.get(key), f'{place}.{key}'.strip('.'))
    elif isinstance(there, list) and isinstance(here, list) and len(there) == len(here):
        for index, pair in enumerate(zip(there, here, strict=True)):
            yield from _differences(*pair, f'{place}.{index}')
    elif there != here:
        yield f'{place}: {_shown(there)} there, {_shown(here)} here'


def _shown(value: Any) -> str:
    text = 'nothing' if value is None else repr(value)
    return text if len(text) <= 60 else f'{text[:57]}...'


def _check_overwrite(cfg: Config, work_dir: Path, auto_resume: bool) -> None:
    if auto_resume:
        raise UserError('--overwrite removes the run that --resume would go on with: give one')
    settings = CheckpointSettings.of(cfg)
    if settings.resume_from:
        raise UserError('--overwrite begins anew, and resume_from goes on: give one of them')
    needed = settings.load_from
    if needed and written_by_run(work_dir, Path(needed)):
        raise UserError(
            f'--overwrite would remove {needed}, which load_from names: move it away, or give '
            'another --work-dir'
        )
