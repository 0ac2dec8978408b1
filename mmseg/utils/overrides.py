"""Methods that subclasses bring of their own: found, or refused when the class is made.

Code written for mmsegmentation 0.16 changes what happens by overriding methods. One that is not
called here must not be passed over without a word.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from .errors import UserError


def has_own(subject: Any, base: type, *names: str) -> bool:
    """Say whether an object's class overrides one of the methods of `base`."""
    return any(getattr(type(subject), name) is not getattr(base, name) for name in names)


class RefusesOverrides:
    """Base of classes that refuse subclasses with methods that would never be called.

    Attributes:
        NEVER_CALLED: Method → what does its work here. Subclasses inherit and may add to it.
    """

    NEVER_CALLED: ClassVar[Mapping[str, str]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for base in cls.__mro__[1:]:
            for name, instead in vars(base).get('NEVER_CALLED', {}).items():
                if name in vars(cls):
                    raise UserError(f'{cls.__name__}.{name} would never be called: {instead}')
