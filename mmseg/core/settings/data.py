"""What is loaded, and in which batches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from .kinds import COUNT, DICT_OR_DICTS, FROM_ZERO, TEXT
from .setting import Settings, setting


@dataclass(frozen=True)
class DataSettings(Settings):
    """Data sets and their batches."""

    SECTION: ClassVar[str] = 'data'

    train: Mapping[str, Any] | Sequence[Mapping[str, Any]] = setting(
        None, DICT_OR_DICTS, 'The training set, built by its `type`.', needed_to_train=True
    )
    val: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = setting(
        None,
        DICT_OR_DICTS,
        'What is evaluated on while a run trains.',
        unset='refused, but with --no-validate',
    )
    test: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = setting(
        None, DICT_OR_DICTS, 'What tools/test.py tests on.', unset='no tests'
    )
    samples_per_gpu: int = setting(
        None,
        COUNT,
        'Images of a training batch in each process; under adaptation so many of each domain.',
        needed_to_train=True,
    )
    workers_per_gpu: int = setting(
        None,
        FROM_ZERO,
        'Processes that load images for each process that trains; 0 loads in between.',
        needed_to_train=True,
    )
    test_samples_per_gpu: int | None = setting(
        None, COUNT, 'The most images of a batch in tests.', unset='4 on a GPU, 1 on a CPU'
    )
    resized_cache: str | None = setting(
        None, TEXT, 'Folder that tools/cache_resized.py filled with resized training images.'
    )
