"""Going through all checks of a run."""

from collections.abc import Callable, Iterator

from mmseg.utils.distributed import rank
from mmseg.utils.errors import UserError
from mmseg.utils.logger import get_root_logger

from .classes import heads_fit_classes
from .evaluation import val_can_be_evaluated
from .run import Finding, Findings, RunUnderCheck

Check = Callable[[RunUnderCheck], Findings]

CHECKS: tuple[Check, ...] = (heads_fit_classes, val_can_be_evaluated)


def findings_of(run: RunUnderCheck) -> Iterator[Finding]:
    """Yield what all checks find; a check that can't be made is left out with a warning."""
    for check in CHECKS:
        try:
            yield from check(run)
        except UserError as error:
            yield Finding('error', str(error))
        except Exception as error:
            what = (check.__doc__ or check.__name__).splitlines()[0]
            yield Finding('warning', f'not checked ({type(error).__name__}: {error}): {what}')


def check_run(run: RunUnderCheck) -> None:
    """Log what is wrong with a run, all of it.

    Args:
        run: It is left as it was.

    Raises:
        UserError: There is an error among the findings; all of them are named or logged.
    """
    errors = []
    for finding in findings_of(run):
        if finding.severity == 'error':
            errors.append(finding.message)
        elif rank() == 0:
            get_root_logger().warning(finding.message)
    if len(errors) > 1 and rank() == 0:
        for message in errors:
            get_root_logger().error(message)
    if errors:
        more = f' ({len(errors)} errors in all, see above)' if len(errors) > 1 else ''
        raise UserError(errors[0] + more)
