"""The data sets of a run, which go by the classes of its network where they name none."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mmcv.utils import Config

from mmseg.datasets import build_dataset
from mmseg.datasets.classes import number_classes
from mmseg.utils.errors import UserError


def build_run_dataset(
    cfg: Config, settings: Any, default_args: Mapping[str, Any] | None = None
) -> Any:
    """Build a data set of a run.

    Args:
        cfg: The run's config; the decode head's `num_classes` are the classes of a data set without
            `classes`, called '0', '1', …
        settings: The data set's config, such as `cfg.data.train`.
        default_args: Arguments for those that it does not give.

    Returns:
        The data set.

    Raises:
        UserError: For data that is not as it should be.
    """
    dataset = build_dataset(settings, default_args)
    name_classes(dataset, cfg)
    return dataset


def name_classes(dataset: Any, cfg: Config) -> None:
    """Let a data set without names of classes call them by the numbers of the decode head's."""
    num_classes = (cfg.model.get('decode_head') or {}).get('num_classes')
    if isinstance(num_classes, int):
        number_classes(dataset, num_classes)


def testing_steps(cfg: Config) -> Sequence[Mapping[str, Any]]:
    """Return the steps of the test pipeline, of joined test sets the first's.

    Raises:
        UserError: `data.test` has none.
    """
    found = next(_pipelines(cfg.data.get('test')), None)
    if not found:
        raise UserError('data.test of the config has no pipeline: it says how images are prepared')
    return found


def stopping_at_unreadable(train: Any) -> Any:
    """Return a training set's config that stops at a file that cannot be read."""
    if isinstance(train, list | tuple):
        return [stopping_at_unreadable(part) for part in train]
    inner = {key: train[key] for key in ('datasets', 'dataset') if key in train}
    if inner:
        return {**train, **{key: stopping_at_unreadable(part) for key, part in inner.items()}}
    return {**train, 'strict': True}


def _pipelines(part: Any) -> Iterator[Sequence[Mapping[str, Any]]]:
    if isinstance(part, Mapping):
        if part.get('pipeline'):
            yield part['pipeline']
        part = [part[key] for key in ('datasets', 'dataset') if key in part]
    if isinstance(part, list | tuple):
        for inner in part:
            yield from _pipelines(inner)
