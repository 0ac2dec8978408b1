"""PNG files of any depth, put together chunk by chunk."""

import struct
import zlib

import numpy as np

GREY, PALETTE, GREY_ALPHA = 0, 3, 4
_MAGIC = b'\x89PNG\r\n\x1a\n'


def chunk(kind: bytes, content: bytes) -> bytes:
    """Return a chunk with its length and checksum."""
    checksum = struct.pack('>I', zlib.crc32(kind + content))
    return struct.pack('>I', len(content)) + kind + content + checksum


def png(numbers: np.ndarray, depth: int, colour: int = GREY, extra: bytes = b'') -> bytes:
    """Return a PNG whose pixels hold these numbers.

    Args:
        numbers: (H, W), or (H, W, channels) for more than one channel.
        depth: Bits of each.
        colour: PNG's colour type.
        extra: Chunks before the pixels.
    """
    height, width = numbers.shape[:2]
    rows = b''
    for row in numbers.reshape(height, -1):
        bits = ''.join(format(int(number), f'0{depth}b') for number in row)
        bits += '0' * (-len(bits) % 8)
        rows += b'\0' + int(bits, 2).to_bytes(len(bits) // 8, 'big')
    if colour == PALETTE:
        colours = np.random.default_rng(0).integers(0, 256, (1 << depth, 3), np.uint8)
        extra = chunk(b'PLTE', colours.tobytes()) + extra
    header = struct.pack('>IIBBBBB', width, height, depth, colour, 0, 0, 0)
    pixels = chunk(b'IDAT', zlib.compress(rows))
    return _MAGIC + chunk(b'IHDR', header) + extra + pixels + chunk(b'IEND', b'')
