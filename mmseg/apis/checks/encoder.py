"""Whether images reach an encoder as its pretrained weights know them."""

from typing import Any

import numpy as np

from .run import Finding, Findings, RunUnderCheck


def images_are_normalised_for_the_weights(run: RunUnderCheck) -> Findings:
    """Compare the constants of Normalize with those that the encoder's weights were made with."""
    encoder = getattr(run.student, 'backbone', None)
    expected: dict[str, Any] = {name: getattr(encoder, name, None) for name in ('mean', 'std')}
    if not getattr(encoder, 'is_pretrained', False) or None in expected.values():
        return
    for normalize in _normalizations(run):
        given: dict[str, Any] = {name: normalize.get(name) for name in expected}
        if any(not np.allclose(given[name], expected[name], atol=0.5) for name in expected):
            yield Finding(
                'warning',
                f'the weights of {run.cfg.model.backbone.get("model", "the encoder")} were trained '
                f'on images normalised with {_constants(expected)}, these are with '
                f'{_constants(given)}: set mean and std of Normalize in all pipelines',
            )
            return


def _normalizations(run: RunUnderCheck) -> list[dict]:
    """Return the settings of Normalize that the images of the first batch went through."""
    metas = run.raw_batch['img_metas']
    (metas,) = getattr(metas, 'data', [metas])
    return [meta['img_norm_cfg'] for meta in metas if 'img_norm_cfg' in meta]


def _constants(settings: dict) -> str:
    return ' and '.join(
        f'{name} {tuple(round(float(value), 1) for value in values)}'
        for name, values in settings.items()
    )
