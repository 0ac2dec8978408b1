"""Hooks that a config adds to a training: `custom_hooks`."""

from collections.abc import Iterable, Mapping
from typing import Any

from mmcv.runner import HOOKS, Hook, LrUpdaterHook, OptimizerHook
from mmcv.runner.priority import get_priority

from mmseg.core.building import build_from_cfg, check_contract
from mmseg.core.hooks.contract import NEVER_CALLED, TrainingHook
from mmseg.utils.errors import UserError
from mmseg.utils.logger import get_root_logger

# Kinds of hooks that have a section of their own, and would act twice.
_SECTIONS = {OptimizerHook: 'optimizer_config', LrUpdaterHook: 'lr_config'}


def build_custom_hooks(configs: Iterable[Mapping[str, Any]]) -> list[tuple[Hook, int | str]]:
    """Build hooks with their priorities.

    Args:
        configs: `type`, its arguments, and perhaps `priority`, a name or number of mmcv's, 'NORMAL'
            unless given.

    Returns:
        The hooks, each with its priority.

    Raises:
        UserError: A type, argument or priority is not known, or the hook has a section of its own.
    """
    return [_build(dict(config)) for config in configs]


def _build(settings: dict[str, Any]) -> tuple[Hook, int | str]:
    priority = settings.pop('priority', 'NORMAL')
    try:
        get_priority(priority)
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f'custom_hooks: priority {priority!r} is none: a number from 0 to 100 or a name such '
            "as 'VERY_HIGH', 'NORMAL' or 'LOW'"
        ) from error
    factory = HOOKS.get(settings['type']) if isinstance(settings.get('type'), str) else None
    for kind, section in _SECTIONS.items():
        if factory is not None and issubclass(factory, kind):
            raise UserError(f'custom_hooks: {settings["type"]} belongs into {section}')
    hook = build_from_cfg(settings, HOOKS)
    check_contract(hook, TrainingHook)
    name = type(hook).__name__
    unheard = [method for method in NEVER_CALLED if _has_own(hook, method)]
    if unheard:
        get_root_logger().warning(
            f'custom_hooks: of {name}, {" and ".join(unheard)} will never be called: training '
            'counts iterations'
        )
    return hook, priority


def _has_own(hook: Any, method: str) -> bool:
    return getattr(type(hook), method, None) is not getattr(Hook, method)
