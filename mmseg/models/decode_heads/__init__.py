"""Decode heads: feature maps in, logits out."""

from .daformer_head import DAFormerHead
from .decode_head import BaseDecodeHead

__all__ = ['BaseDecodeHead', 'DAFormerHead']
