"""What a person is told."""

from pathlib import Path

from mmseg.utils.atomic import atomic_path


class Told:
    """Lines that are printed and kept.

    Attributes:
        lines: What was told so far.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, *lines: str) -> None:
        """Print some lines."""
        for line in lines:
            print(line, flush=True)
            self.lines.append(line)

    def keep(self, path: Path) -> None:
        """Write all lines into a file."""
        with atomic_path(path) as temporary:
            temporary.write_text(''.join(f'{line}\n' for line in self.lines), encoding='utf-8')
