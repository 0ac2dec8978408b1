"""Whether the blocks that masked consistency hides are made of whole tokens of the encoder."""

from collections.abc import Iterator, Sequence

from mmseg.models.uda.masked_consistency import MaskedConsistency, num_blocks
from mmseg.utils.errors import UserError

from .run import Finding, Findings, RunUnderCheck

_KEY = 'uda.mask_generator.mask_block_size'


def masks_hide_whole_tokens(run: RunUnderCheck) -> Findings:
    """Compare the blocks of masked consistency with the patches of a plain transformer."""
    patch = getattr(getattr(run.student, 'backbone', None), 'token_size', None)
    if patch is None:
        return
    for block_size in _block_sizes(run):
        check_block_size(block_size, patch)
        images = run.raw_batch['img']
        crop = getattr(images, 'data', [images])[0].shape[-2:]
        problem = cut_tokens(block_size, patch, crop)
        if problem is not None:
            yield Finding('warning', problem)


def check_block_size(block_size: int, patch_size: int) -> None:
    """Refuse masks whose blocks are no whole number of an encoder's patches.

    What is left of a token's pixels would still tell what was hidden.

    Args:
        block_size: b, pixels along a block's side.
        patch_size: Pixels along the side of what becomes one token.

    Raises:
        UserError: b is no multiple; the nearest that are stand in it.
    """
    if block_size % patch_size:
        below, above = (patch_size * (block_size // patch_size + more) for more in (0, 1))
        near = f'{below} or {above}' if below else f'{above}'
        raise UserError(
            f"{_KEY}: expected a multiple of the encoder's patches of {patch_size} pixels, such "
            f'as {near}, got {block_size}: tokens would be hidden in part'
        )


def cut_tokens(block_size: int, patch_size: int, crop: Sequence[int]) -> str | None:
    """Tell where blocks, stretched to fill a crop, end within tokens.

    A side of n pixels is cut into round(n/b) blocks of one size, as published.

    Args:
        block_size: b, a multiple of `patch_size`.
        patch_size: Pixels along a token's side.
        crop: Height and width of the crop in pixels.

    Returns:
        What is wrong and what would fit; None where all blocks end with a token.
    """
    for side in crop:
        count = max(num_blocks(side, block_size), 1)
        if any(-(-i * side // count) % patch_size for i in range(1, count)):
            sizes = [f'{fit}' for fit in _fitting(block_size, patch_size, crop)]
            others = f'{" or ".join(sizes)} there, or ' if sizes else ''
            return (
                f'{_KEY}={block_size} makes {count} blocks of {side / count:.1f} pixels '
                f"along {side}, which cut the encoder's patches of {patch_size} pixels: take "
                f'{others}crops whose sides are multiples of {block_size}'
            )
    return None


def _fitting(block_size: int, patch_size: int, crop: Sequence[int]) -> list[int]:
    """Return the next smaller and the next larger block that fills a crop and cuts no token."""
    sizes = range(patch_size, min(crop) + 1, patch_size)
    fitting = [size for size in sizes if not any(side % size for side in crop)]
    below = [size for size in fitting if block_size / 2 <= size < block_size]
    above = [size for size in fitting if block_size < size <= 2 * block_size]
    return below[-1:] + above[:1]


def _block_sizes(run: RunUnderCheck) -> Iterator[int]:
    for part in run.model.modules():
        if isinstance(part, MaskedConsistency):
            yield part.mask_block_size
