"""What code of others a run is made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from .kinds import FLAG, TEXTS
from .setting import Settings, setting


@dataclass(frozen=True)
class PluginSettings(Settings):
    """Modules to import before anything is built; they are code, and are named on the screen."""

    SECTION: ClassVar[str] = 'custom_imports'

    imports: str | Sequence[str] = setting(
        (), TEXTS, 'Modules that register backbones, heads, hooks, …; --plugins adds others.'
    )
    allow_failed_imports: bool = setting(
        False, FLAG, 'Whether a module that cannot be imported is only warned of.'
    )
