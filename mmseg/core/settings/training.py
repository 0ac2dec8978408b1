"""What is trained, and by which steps."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from mmseg.utils.errors import UserError

from .kinds import COUNT, DICT, FLAG_OR_RATE, TEXT, Kind
from .setting import Settings, setting

_BUILT_PARTS = ('backbone', 'decode_head')


@dataclass(frozen=True)
class TrainingSettings(Settings):
    """Network, method, optimizer and schedule; most are built by their `type`."""

    model: Mapping[str, Any] | None = setting(
        None, DICT, 'The segmentor, built by its `type`; needed in every config.', unset='refused'
    )
    uda: Mapping[str, Any] | None = setting(
        None,
        DICT,
        'The adaptation method around the segmentor, built by its `type`.',
        unset='trains on the source alone',
    )
    optimizer: Mapping[str, Any] = setting(
        None,
        DICT,
        'The optimizer, by its `type` in `torch.optim`, and perhaps `paramwise_cfg` as in mmcv.',
        needed_to_train=True,
    )
    optimizer_config: Mapping[str, Any] | None = setting(
        None,
        DICT,
        'How a step is taken: `grad_clip`, or `type` of an optimizer hook and its settings.',
        unset='a step an iteration, with the gradients as they are',
    )
    lr_config: Mapping[str, Any] | None = setting(
        None,
        DICT,
        "The learning rate's schedule: `policy` of mmcv and its settings.",
        unset="the optimizer's rate throughout",
    )
    lr_may_rise: bool | float = setting(
        False,
        FLAG_OR_RATE,
        'Whether a schedule may raise rates above those of the optimizer, or up to which rate.',
    )
    amp: str | None = setting(
        None, TEXT, "Precision of the networks: 'bf16' or 'fp16'.", unset='float32'
    )
    loss_scale: str | float | Mapping[str, Any] = setting(
        'dynamic',
        Kind("'dynamic', a number or a dict", lambda v: isinstance(v, str | int | float | Mapping)),
        "Of amp='fp16': 'dynamic', a number that it stays at, or a dict of `init_scale`, "
        '`growth_factor`, `backoff_factor` and `growth_interval`.',
    )
    max_skipped_steps: int = setting(
        10,
        COUNT,
        'Steps in a row whose numbers are not finite, and which are skipped, that end the run; at '
        'least 2.',
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for part in _BUILT_PARTS:
            value = (self.model or {}).get(part)
            if value is not None and not DICT.fits(value):
                raise UserError(f'config key model.{part}: expected {DICT.name}, got {value!r}')


@dataclass(frozen=True)
class RunnerSettings(Settings):
    """How long a run trains."""

    SECTION: ClassVar[str] = 'runner'

    type: str | None = setting(
        None,
        TEXT,
        "Published kind of runner; 'IterBasedRunner', which counts iterations, is the only one.",
        unset='refused',
    )
    max_iters: int = setting(None, COUNT, 'Iterations of the run.', needed_to_train=True)
