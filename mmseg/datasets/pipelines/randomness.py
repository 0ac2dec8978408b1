"""Where transforms get their random numbers from."""

from typing import Any

import numpy as np


def generator_of(results: dict[str, Any]) -> np.random.Generator:
    """Return the generator that belongs to this sample.

    Args:
        results: What a pipeline hands from step to step. Data sets put the sample's generator
            under `rng`; where a transform is called by hand without one, a fresh one is put there.

    Returns:
        The generator, to be drawn from by one step after another.
    """
    if 'rng' not in results:
        results['rng'] = np.random.default_rng()
    return results['rng']
