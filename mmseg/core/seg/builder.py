"""The registry of pixel samplers."""

from collections.abc import Mapping
from typing import Any

from mmcv.utils import Registry

from mmseg.core.building import build_from_cfg

PIXEL_SAMPLERS = Registry('pixel sampler', build_func=build_from_cfg)


def build_pixel_sampler(cfg: Mapping[str, Any], **default_args: Any) -> Any:
    """Build a pixel sampler, such as `dict(type='OHEMPixelSampler')`, for `context`, a head."""
    return PIXEL_SAMPLERS.build(cfg, default_args=default_args)
