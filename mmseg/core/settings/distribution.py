"""How several processes share a training."""

from dataclasses import dataclass
from typing import ClassVar

from .kinds import FLAG, TEXT, WHOLE
from .setting import Settings, setting


@dataclass(frozen=True)
class DistributionSettings(Settings):
    """What processes that train together say to each other."""

    SECTION: ClassVar[str] = 'dist_params'

    backend: str = setting('nccl', TEXT, 'Of communication between GPUs; CPUs use gloo.')
    sync_bn: bool = setting(
        False,
        FLAG,
        'Whether BatchNorm uses the statistics of the batch of all processes; on GPUs only.',
    )
    check_interval: int = setting(
        500,
        WHOLE,
        'Iterations between two comparisons of the states of all processes; below 1 compares at '
        'the start only.',
    )
