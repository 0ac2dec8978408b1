"""Drawing training samples of a set of images, and going on without files that can't be read."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from mmseg.utils.errors import UserError
from mmseg.utils.seed import numpy_generator

from .image_io import MissingImageError, UnreadableImageError
from .randomness import drawing_from
from .samplers import shuffled_index
from .skipped import SkippedFiles

T = TypeVar('T')
_MAX_SKIPPED_IN_A_ROW = 20


class DrawsImages:
    """What a data set of images (`dataset[index]`) needs to be trained on."""

    img_dir: str
    ann_dir: str | None
    strict: bool
    _skipped: SkippedFiles

    def __len__(self) -> int:
        raise NotImplementedError

    def __getitem__(self, index: int) -> dict[str, Any]:
        raise NotImplementedError

    def draw(self, position: int, seed: int) -> dict[str, Any]:
        """Return the training sample at a position of a run, images shuffled anew every epoch.

        Args:
            position: Position in the run, from 0.
            seed: The run's seed.

        Returns:
            What the pipeline makes of the image.
        """
        rng = numpy_generator('sample', seed, position)

        def candidates() -> Iterator[int]:
            yield shuffled_index(position, len(self), seed)
            while True:
                yield int(rng.integers(len(self)))

        with drawing_from(rng):
            return self.read_first(candidates(), self.__getitem__)

    def read_first(self, candidates: Iterable[int], read: Callable[[int], T]) -> T:
        """Return what `read` makes of the first of some images that can be read.

        Args:
            candidates: Indices, tried in turn.
            read: Makes a sample of an index.

        Raises:
            UserError: For a file that cannot be read where `strict` is set, or for many.
        """
        self._skipped.count_sample()
        for index in itertools.islice(candidates, _MAX_SKIPPED_IN_A_ROW):
            try:
                return read(index)
            except (UnreadableImageError, MissingImageError) as error:
                if self.strict:
                    raise
                self._skipped.report(error)
        raise UserError(
            f'{_MAX_SKIPPED_IN_A_ROW} files in a row below {self.img_dir} or {self.ann_dir} cannot '
            'be read: mend the data folder'
        )

    @property
    def num_skipped(self) -> int:
        """How many samples were replaced because a file could not be read, by all workers."""
        return self._skipped.num_skipped
