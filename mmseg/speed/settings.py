"""What a config says about speed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mmseg.utils.errors import UserError

CHOICES = ('auto', 'off')


@dataclass(frozen=True)
class SpeedSettings:
    """How networks are made quicker than they are written down; results stay equal.

    Attributes:
        speed: 'auto' lays quicker layers over those for which this device has some; 'off' runs the
            network layer by layer, so that each is seen by hooks, debuggers and profilers, and the
            instance level's equations as they are written, with every tensor at full size.
        recompute: 'auto' lets large encoder blocks on a CPU compute their feed-forward layers again
            in the backward pass instead of keeping them; 'off' keeps them. Part of speed='auto'.
        channels_last: Whether weights, and with them maps, lie in channels-last order: for GPUs.
        compile: Whether encoder blocks and decoder layers are compiled.
    """

    speed: str = 'auto'
    recompute: str = 'auto'
    channels_last: bool = False
    compile: bool = False

    def __post_init__(self) -> None:
        for name in ('speed', 'recompute'):
            value = getattr(self, name)
            if value not in CHOICES:
                raise UserError(f"{name}: expected 'auto' or 'off', got {value!r}")

    @classmethod
    def of(cls, cfg: Mapping[str, Any]) -> 'SpeedSettings':
        """Read a config's settings; what it leaves out or sets to None has its default."""
        given = {name: cfg.get(name) for name in cls.__dataclass_fields__}
        return cls(**{name: value for name, value in given.items() if value is not None})

    def for_few_passes(self) -> 'SpeedSettings':
        """Return settings for passes outside training: compiling would not pay, layouts stay."""
        return replace(self, channels_last=False, compile=False)
