"""Where the picture lies in an image that was padded around it, between Pad and the network's end.

Steps of a test pipeline note it, segmentors cut the padding off by it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

# What a sample and the facts about an image call it.
PICTURE_BOX = 'picture_box'


class PictureBox(NamedTuple):
    """Rows and columns of an image that show the picture, in pixels; the others are padding."""

    top: int
    left: int
    height: int
    width: int

    @property
    def bottom(self) -> int:
        """Row after the last one."""
        return self.top + self.height

    @property
    def right(self) -> int:
        """Column after the last one."""
        return self.left + self.width

    def flipped(self, size: Sequence[int], direction: str) -> 'PictureBox':
        """Return where it lies after an image (height, width) was flipped."""
        if direction == 'horizontal':
            return self._replace(left=size[1] - self.right)
        return self._replace(top=size[0] - self.bottom)

    def resized(self, old: Sequence[int], new: Sequence[int]) -> 'PictureBox':
        """Return where it lies, to the nearest pixel, after an image (height, width) was resized.

        >>> PictureBox(0, 0, 90, 100).resized((96, 128), (48, 64))
        PictureBox(top=0, left=0, height=45, width=50)
        """
        top, bottom = (round(row * new[0] / old[0]) for row in (self.top, self.bottom))
        left, right = (round(column * new[1] / old[1]) for column in (self.left, self.right))
        return PictureBox(top, left, max(bottom - top, 1), max(right - left, 1))


def picture_box(meta: Mapping[str, Any], size: Sequence[int]) -> PictureBox:
    """Tell where the picture lies in an image.

    Args:
        meta: Facts about the image: `picture_box`, or `img_shape` and `pad_shape` of an image that
            was padded on the right and at the bottom.
        size: Height and width of the image in pixels.

    Returns:
        The box; all of the image where nothing fits its size.
    """
    height, width = int(size[0]), int(size[1])
    whole = PictureBox(0, 0, height, width)
    if PICTURE_BOX in meta:
        box = PictureBox(*meta[PICTURE_BOX])
        return box if box.bottom <= height and box.right <= width else whole
    shape, padded = meta.get('img_shape'), meta.get('pad_shape', size)
    if shape is None or tuple(padded[:2]) != (height, width):
        return whole
    box = PictureBox(0, 0, int(shape[0]), int(shape[1]))
    return box if box.bottom <= height and box.right <= width else whole
