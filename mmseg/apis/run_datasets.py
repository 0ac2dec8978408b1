"""The data sets of a run, which go by the classes of its network where they name none."""

from collections.abc import Mapping
from typing import Any

from mmcv.utils import Config

from mmseg.datasets import build_dataset
from mmseg.datasets.classes import number_classes


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
