"""Pipelines: transforms one after another, and what can be told from their order."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mmseg.core.building import build_from_cfg

from ..builder import PIPELINES

Results = dict[str, Any]
# What comes out may be None, which ends a sample, or lists of several views.
Step = Callable[[Results], Any]


@PIPELINES.register_module()
class Compose:
    """Transforms one after another.

    Args:
        transforms: Config dicts of registered transforms, or callables.
    """

    def __init__(self, transforms: Sequence[Mapping[str, Any] | Step]) -> None:
        self.transforms: list[Any] = [
            t if callable(t) else build_from_cfg(t, PIPELINES) for t in transforms
        ]

    def __call__(self, data: Results) -> Any:
        """Run all steps; None from any step ends the sample."""
        result: Any = data
        for transform in self.transforms:
            result = transform(result)
            if result is None:
                return None
        return result

    def split_at_random(self) -> tuple['Compose', 'Compose', 'Compose']:
        """Split into what comes before, within and after the random steps.

        Re-cropping an image repeats the middle part only: decoding and fixed resizing come
        before it, normalising and formatting after it.

        Returns:
            Three pipelines that give the same as this one when run one after another.
        """
        random = [i for i, step in enumerate(self.transforms) if getattr(step, 'is_random', False)]
        first, last = (random[0], random[-1] + 1) if random else (0, 0)
        parts = self.transforms[:first], self.transforms[first:last], self.transforms[last:]
        return Compose(parts[0]), Compose(parts[1]), Compose(parts[2])

    def __repr__(self) -> str:
        return f'{type(self).__name__}({self.transforms})'


def without_labels(pipeline: Sequence[Mapping[str, Any] | Step]) -> list[Mapping[str, Any] | Step]:
    """Leave out of a pipeline's config what reads or collects labels.

    Args:
        pipeline: Config dicts of transforms.

    Returns:
        The same for images alone: no `LoadAnnotations`, no `gt_semantic_seg` to collect.
    """
    kept: list[Mapping[str, Any] | Step] = []
    for step in pipeline:
        if not isinstance(step, Mapping):
            kept.append(step)
        elif step.get('type') == 'Collect':
            keys = [key for key in step['keys'] if key != 'gt_semantic_seg']
            kept.append({**step, 'keys': keys})
        elif step.get('type') != 'LoadAnnotations':
            kept.append(step)
    return kept


def with_labels(pipeline: Sequence[Mapping[str, Any] | Step]) -> list[Mapping[str, Any] | Step]:
    """Let a pipeline's config read and collect labels.

    Args:
        pipeline: Config dicts of transforms, of which the first reads the image.

    Returns:
        The same where it reads labels already; else with a `LoadAnnotations` after the image and
        `gt_semantic_seg` to collect.
    """
    types = [
        step.get('type') if isinstance(step, Mapping) else type(step).__name__ for step in pipeline
    ]
    if 'LoadAnnotations' in types:
        return list(pipeline)
    first, *others = pipeline
    return [
        first,
        {'type': 'LoadAnnotations'},
        *(
            {**step, 'keys': [*step['keys'], 'gt_semantic_seg']}
            if isinstance(step, Mapping) and step.get('type') == 'Collect'
            else step
            for step in others
        ),
    ]
