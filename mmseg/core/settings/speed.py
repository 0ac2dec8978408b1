"""How networks are made quicker than they are written down; results stay equal."""

from dataclasses import dataclass, replace

from .kinds import FLAG, one_of
from .setting import Settings, setting

_AUTO = one_of('auto', 'off')


@dataclass(frozen=True)
class SpeedSettings(Settings):
    """What is laid over the networks."""

    speed: str = setting(
        'auto',
        _AUTO,
        "'auto' lays quicker layers over those for which this device has some; 'off' runs the "
        'network layer by layer, so that each is seen by hooks, debuggers and profilers, and the '
        "instance level's equations as they are written, with every tensor at full size.",
    )
    recompute: str = setting(
        'auto',
        _AUTO,
        "'auto' lets large encoder blocks on a CPU compute their feed-forward layers again in the "
        "backward pass instead of keeping them; 'off' keeps them. Part of speed='auto'.",
    )
    channels_last: bool = setting(
        False, FLAG, 'Whether weights, and with them maps, lie in channels-last order: for GPUs.'
    )
    compile: bool = setting(False, FLAG, 'Whether encoder blocks and decoder layers are compiled.')

    def for_few_passes(self) -> 'SpeedSettings':
        """Return settings for passes outside training: compiling would not pay, layouts stay."""
        return replace(self, channels_last=False, compile=False)
