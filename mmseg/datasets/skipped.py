"""Files that training goes on without: named once, counted, and not too many."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from mmseg.utils.errors import UserError
from mmseg.utils.logger import get_root_logger

# The share says little about the first few samples.
_ALWAYS_ALLOWED = 20


class SkippedFiles:
    """Counts the samples that were drawn and those whose file could not be read.

    Args:
        folder: Folder of the data set, for the message.
        max_ratio: Share of skipped samples that ends training.
    """

    def __init__(self, folder: str, max_ratio: float) -> None:
        self.folder = folder
        self.max_ratio = max_ratio
        self._counts = _shared(torch.zeros(2, dtype=torch.int64))
        self._reported: set[str] = set()
        self._is_quiet = False

    @property
    def num_skipped(self) -> int:
        """How many samples were replaced, by all workers."""
        return int(self._counts[1])

    @contextmanager
    def unnoticed(self) -> Iterator[None]:
        """Forget at the end of a block what was counted in it; nothing is logged."""
        before = self._counts.clone(), set(self._reported), self._is_quiet
        self._is_quiet = True
        try:
            yield
        finally:
            self._counts.copy_(before[0])
            self._reported, self._is_quiet = before[1:]

    def count_sample(self) -> None:
        """Note that a sample is drawn."""
        self._counts[0] += 1

    def report(self, error: UserError) -> None:
        """Note that a sample is replaced; each file is named in the log once.

        Args:
            error: Names the file.

        Raises:
            UserError: Too large a share of the samples was replaced.
        """
        self._counts[1] += 1
        if str(error) not in self._reported:
            self._reported.add(str(error))
            if self._is_quiet:
                return
            get_root_logger().warning(
                f'{error}; another sample takes its place ({self.num_skipped} skipped so far)'
            )
        num_samples, num_skipped = self._counts.tolist()
        if num_skipped > max(self.max_ratio * num_samples, _ALWAYS_ALLOWED):
            raise UserError(
                f'{num_skipped} of {num_samples} samples of {self.folder} could not be read, more '
                f'than max_skipped_ratio={self.max_ratio} allows; the last: {error}'
            )


def _shared(counts: torch.Tensor) -> torch.Tensor:
    """Move counts to shared memory, so that workers count together.

    Where that has no room, no worker can hand a sample over either, and nobody shares them.
    """
    try:
        return counts.share_memory_()
    except (RuntimeError, OSError):
        return counts
