"""Whether all that knows classes knows the same ones."""

from .run import Finding, Findings, RunUnderCheck

_NAMED = 5


def heads_fit_classes(run: RunUnderCheck) -> Findings:
    """Compare the number of outputs of every head with the data set's classes."""
    classes = run.dataset.CLASSES
    if classes is None:
        return
    for name, head in run.heads.items():
        if head.num_classes != len(classes):
            yield Finding(
                'error',
                f'model.{name}.num_classes is {head.num_classes} and the data set has '
                f'{len(classes)} classes ({shortened(classes)}): set '
                f'model.{name}.num_classes={len(classes)}',
            )


def shortened(names: object) -> str:
    """List a few names."""
    listed = [str(name) for name in names]  # type: ignore[attr-defined]
    return ', '.join(listed[:_NAMED]) + ', …' * (len(listed) > _NAMED)
