"""A run that is looked at before it begins, and what is found out about it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import torch
from mmcv.utils import Config
from torch import nn

from mmseg.core.adaptation import student_of
from mmseg.core.settings import RunSettings, TrainingSettings
from mmseg.datasets import means_for_source
from mmseg.utils.errors import UserError

from ..loader import build_train_loader
from ..run_datasets import build_run_dataset
from .preserving import nothing_counted, random_as_it_was


@dataclass(frozen=True)
class Finding:
    """One line about a run.

    Attributes:
        severity: 'error' where the run could not do what it is for, 'warning' where it probably
            does not do what is meant.
        message: What was expected, what came, what to do.
    """

    severity: Literal['error', 'warning']
    message: str


@dataclass
class RunUnderCheck:
    """What a run is made of; checks look at it and leave it as it is.

    Attributes:
        cfg: The whole config, with `work_dir`.
        dataset: The training set.
        model: From `build_train_model`, its weights initialised; on any device.
        device: Where the run will train.
        validate: Whether it will evaluate while it trains.
    """

    cfg: Config
    dataset: Any
    model: nn.Module
    device: torch.device = field(default_factory=lambda: torch.device('cpu'))
    validate: bool = True

    @property
    def is_consistent(self) -> bool:
        """Whether data and network can meet: the kind of training and the classes are the same."""
        num_classes = len(self.dataset.CLASSES or ())
        fits = all(head.num_classes == num_classes for head in self.heads.values() if num_classes)
        return fits and bool(TrainingSettings.of(self.cfg).uda) == (self.target is not None)

    @property
    def student(self) -> Any:
        """The network that learns, which may stand alone."""
        return student_of(self.model)

    @property
    def heads(self) -> dict[str, Any]:
        """The network's heads by their names in the config."""
        heads = {'decode_head': getattr(self.student, 'decode_head', None)}
        auxiliary = getattr(self.student, 'auxiliary_head', None)
        if isinstance(auxiliary, nn.ModuleList):
            heads |= {f'auxiliary_head[{i}]': head for i, head in enumerate(auxiliary)}
        else:
            heads['auxiliary_head'] = auxiliary
        return {name: head for name, head in heads.items() if head is not None}

    @property
    def source(self) -> Any:
        """The labelled training images: what a pair of domains or a sampler is laid around."""
        dataset = self.dataset
        while hasattr(dataset, 'source'):
            dataset = dataset.source
        return dataset

    @property
    def target(self) -> Any | None:
        """The unlabelled training images; None without adaptation."""
        return getattr(self.dataset, 'target', None)

    @property
    def target_labelled(self) -> Any | None:
        """The labelled images of the target; None where there are none."""
        few = getattr(self.dataset, 'target_labelled', None)
        return getattr(few, 'source', few)

    @cached_property
    def raw_batch(self) -> Mapping[str, Any]:
        """The batch of the first iteration as workers hand it over.

        Raises:
            UserError: It can't be loaded.
        """
        settings = {**self.cfg.data, 'workers_per_gpu': 0}
        cfg = Config({'data': settings, 'seed': RunSettings.of(self.cfg).seed})
        with nothing_counted(self.dataset), random_as_it_was():
            return next(iter(build_train_loader(self.dataset, cfg, self.device).loader))

    @property
    def num_channels(self) -> int:
        """Channels of the training images as the network gets them."""
        images = self.raw_batch['img']
        return int(getattr(images, 'data', [images])[0].shape[1])

    @cached_property
    def val(self) -> Any | None:
        """The validation set; None where the run does not evaluate.

        Raises:
            UserError: It is not as it should be.
        """
        if not self.validate:
            return None
        return self._build(self.cfg.data.get('val'), 'data.val')

    @cached_property
    def test(self) -> Any | None:
        """The test set; None where there is none, which the training can do without."""
        try:
            return self._build(self.cfg.data.get('test'), 'data.test')
        except UserError:
            return None

    def _build(self, settings: Mapping[str, Any] | None, name: str) -> Any:
        if settings is None:
            raise UserError(f'there is no {name} to evaluate on: set it, or give --no-validate')
        means = means_for_source(self.cfg.data.get('train'))
        return build_run_dataset(self.cfg, settings, {'test_mode': True, 'extra_means': means})


Findings = Iterator[Finding]
