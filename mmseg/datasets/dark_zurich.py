"""Dark Zurich (Sakaridis et al., ICCV 2019): streets by day, in twilight and at night."""

from collections.abc import Sequence
from typing import Any, ClassVar

from .builder import DATASETS
from .cityscapes import CityscapesDataset


@DATASETS.register_module()
class DarkZurichDataset(CityscapesDataset):
    """Dark Zurich: `rgb_anon/train/{day,twilight,night}/<sequence>/`, `{rgb_anon,gt}/val/night/`.

    Training images have no labels. Those of validation come with train ids, so there is nothing
    to convert, and the benchmark's server expects train ids.

    Args:
        **kwargs: As for `CustomDataset`.
    """

    CONVERTER: ClassVar[str | None] = None
    SERVER_IDS: ClassVar[Sequence[int]] = range(len(CityscapesDataset.CLASSES))

    def __init__(
        self,
        img_suffix: str = '_rgb_anon.png',
        seg_map_suffix: str = '_gt_labelTrainIds.png',
        **kwargs: Any,
    ) -> None:
        super().__init__(img_suffix=img_suffix, seg_map_suffix=seg_map_suffix, **kwargs)
