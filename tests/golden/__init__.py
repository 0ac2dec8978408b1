"""Figures of the published implementations, and how to read them."""

from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent


def load(name: str) -> dict[str, np.ndarray]:
    """Return the arrays of `name`.npz by name."""
    with np.load(FOLDER / f'{name}.npz') as archive:
        return {key: archive[key] for key in archive.files}
