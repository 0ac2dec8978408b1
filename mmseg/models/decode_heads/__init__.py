"""Decode heads: feature maps in, logits out."""

from mmseg.utils.old_places import serve

from .aspp_head import ASPPHead, DepthwiseSeparableASPPHead
from .compat import PLACES
from .da_head import DAHead
from .daformer_head import DAFormerHead
from .decode_head import BaseDecodeHead, Decoded
from .dlv2_head import DLV2Head
from .fcn_head import FCNHead
from .hrda_head import HRDAHead
from .isa_head import ISAHead
from .psp_head import PSPHead
from .segformer_head import SegFormerHead
from .uper_head import UPerHead

__all__ = [
    'ASPPHead',
    'BaseDecodeHead',
    'DAFormerHead',
    'DAHead',
    'DLV2Head',
    'Decoded',
    'DepthwiseSeparableASPPHead',
    'FCNHead',
    'HRDAHead',
    'ISAHead',
    'PSPHead',
    'SegFormerHead',
    'UPerHead',
]
serve(__name__, {}, PLACES)
