"""Figures as files."""

from pathlib import Path

from matplotlib.figure import Figure

from .atomic import atomic_path


def save_figure(figure: Figure, path: str | Path) -> None:
    """Write a figure in the format that the file's suffix names, PNG where it has none."""
    with atomic_path(Path(path)) as temporary:
        figure.savefig(temporary, format=Path(path).suffix.removeprefix('.') or 'png', dpi=120)
