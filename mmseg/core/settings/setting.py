"""What a setting is: type, default, check and help of one key of a config, in one place."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, NamedTuple, TypeVar

from mmseg.utils.errors import UserError, nearest

from .kinds import Kind

_Settings = TypeVar('_Settings', bound='Settings')


class Meaning(NamedTuple):
    """What there is to say of a setting beside its type and default.

    Attributes:
        kind: What values it takes.
        help: What it is, in sentences for `docs/config.md` and `print_config.py --explain`.
        none: What None says, where that is a value of its own; else None leaves a setting unset.
        needed_to_train: Whether no training goes without it.
        unset: What holds where it is left out and the default is None.
    """

    kind: Kind
    help: str
    none: str | None = None
    needed_to_train: bool = False
    unset: str = ''


def setting(default: Any, kind: Kind, help: str, **more: Any) -> Any:
    """Declare a field of `Settings`.

    Args:
        default: What holds where a config leaves the key out.
        kind: See `Meaning`, as for the other arguments.
        help: See `Meaning`.
        **more: See `Meaning`.
    """
    return dataclasses.field(default=default, metadata={'meaning': Meaning(kind, help, **more)})


@dataclasses.dataclass(frozen=True)
class Settings:
    """Settings that the code reads itself, those of what is built by `type` apart.

    A subclass is a frozen dataclass; its fields are named as the keys of a config, and each is
    declared by `setting`.
    """

    SECTION: ClassVar[str] = ''
    """Key of the dict that holds these settings; '' for the config itself."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value, kind = getattr(self, field.name), field.metadata['meaning'].kind
            if value is not None and not kind.fits(value):
                key = self.key(field.name)
                raise UserError(f'config key {key}: expected {kind.name}, got {value!r}')

    @classmethod
    def of(cls: type[_Settings], cfg: Mapping[str, Any]) -> _Settings:
        """Read these settings from a whole config; what it leaves out has its default.

        Raises:
            UserError: A value is not of its setting's kind.
        """
        section, given = cls.section_of(cfg), {}
        for name, meaning in cls.meanings().items():
            if name in section and (section[name] is not None or meaning.none is not None):
                given[name] = section[name]
        return cls(**given)

    @classmethod
    def section_of(cls, cfg: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the part of a whole config that holds these settings.

        Raises:
            UserError: It is no dict.
        """
        section = cfg.get(cls.SECTION) if cls.SECTION else cfg
        if cls.SECTION and section is not None and not isinstance(section, Mapping):
            raise UserError(f'config key {cls.SECTION}: expected a dict, got {section!r}')
        return {} if section is None else section

    @classmethod
    def refuse_unknown(cls, cfg: Mapping[str, Any]) -> None:
        """Refuse keys of this section, in a whole config, that nobody reads.

        Raises:
            UserError: Names the key and the known one nearest to it.
        """
        for name in cls.section_of(cfg) if cls.SECTION else ():
            if name not in cls.meanings():
                hint = nearest(name, cls.meanings())
                raise UserError(f'config key {cls.key(name)!r} is read by nobody; {hint}')

    @classmethod
    def meanings(cls) -> dict[str, Meaning]:
        """Return what each setting is about, by its name."""
        return {field.name: field.metadata['meaning'] for field in dataclasses.fields(cls)}

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Return the default of each setting, by its name."""
        return {field.name: field.default for field in dataclasses.fields(cls)}

    @classmethod
    def key(cls, name: str) -> str:
        """Return a setting's dotted name in a config."""
        return f'{cls.SECTION}.{name}' if cls.SECTION else name

    @classmethod
    def needed_to_train(cls) -> Iterator[str]:
        """Yield the dotted names of the settings that no training goes without."""
        for name, meaning in cls.meanings().items():
            if meaning.needed_to_train:
                yield cls.key(name)
