"""Going through all checks of a run."""

from collections.abc import Callable, Iterator, Sequence

from mmseg.utils.distributed import rank
from mmseg.utils.error_lines import error_line
from mmseg.utils.errors import UserError
from mmseg.utils.logger import get_root_logger

from .classes import checkpoint_agrees_on_classes, heads_fit_classes, sets_agree_on_classes
from .encoder import images_are_normalised_for_the_weights
from .evaluation import val_can_be_evaluated, val_gives_views
from .first_batch import domains_fit_method, first_batch_passes
from .heeded import settings_are_heeded
from .masks import masks_hide_whole_tokens
from .preserving import random_as_it_was
from .room import disk_has_room, shared_memory_has_room, work_dir_can_be_written
from .run import Finding, Findings, RunUnderCheck
from .samples import (
    no_label_is_tested_on,
    source_can_be_learnt_from,
    source_fills_a_batch,
    target_can_be_adapted_to,
)

Check = Callable[[RunUnderCheck], Findings]

CHECKS: tuple[Check, ...] = (
    settings_are_heeded,
    domains_fit_method,
    heads_fit_classes,
    sets_agree_on_classes,
    checkpoint_agrees_on_classes,
    source_can_be_learnt_from,
    source_fills_a_batch,
    target_can_be_adapted_to,
    no_label_is_tested_on,
    images_are_normalised_for_the_weights,
    masks_hide_whole_tokens,
    val_can_be_evaluated,
    val_gives_views,
    first_batch_passes,
    work_dir_can_be_written,
    disk_has_room,
    shared_memory_has_room,
)


def findings_of(run: RunUnderCheck, more: Sequence[Check] = ()) -> Iterator[Finding]:
    """Yield what all checks find; a check that can't be made is left out with a warning.

    Args:
        run: It is left as it was.
        more: Checks beside `CHECKS`.
    """
    seen = set()
    for check in (*CHECKS, *more):
        for finding in _findings(check, run):
            if finding not in seen:
                yield finding
            seen.add(finding)


def check_run(run: RunUnderCheck, more: Sequence[Check] = ()) -> None:
    """Log what is wrong with a run, all of it.

    Args:
        run: It is left as it was.
        more: Checks beside `CHECKS`.

    Raises:
        UserError: There is an error among the findings; all of them are named or logged.
    """
    errors = []
    # Of several processes the first one speaks, and all end.
    for finding in findings_of(run, more):
        if finding.severity == 'error':
            errors.append(finding.message)
        elif rank() == 0:
            get_root_logger().warning(finding.message)
    if len(errors) > 1 and rank() == 0:
        for message in errors:
            get_root_logger().error(message)
    if errors:
        others = f' ({len(errors)} errors in all, see above)' if len(errors) > 1 else ''
        raise UserError(errors[0] + others)


def _findings(check: Check, run: RunUnderCheck) -> Iterator[Finding]:
    try:
        with random_as_it_was():
            yield from list(check(run))
    except UserError as error:
        yield Finding('error', str(error))
    except Exception as error:
        what = (check.__doc__ or check.__name__).splitlines()[0]
        yield Finding('warning', f'not checked ({error_line(error)}): {what}')
