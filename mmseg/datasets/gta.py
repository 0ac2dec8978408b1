"""GTA (Richter et al., ECCV 2016), labelled with Cityscapes' classes."""

from typing import Any, ClassVar

from mmseg.core.evaluation.class_names import CITYSCAPES_CLASSES, CITYSCAPES_PALETTE

from .builder import DATASETS
from .custom import CustomDataset


@DATASETS.register_module()
class GTADataset(CustomDataset):
    """GTA: `images/*.png` and `labels/*_labelTrainIds.png`.

    Args:
        **kwargs: As for `CustomDataset`.
    """

    CLASSES = CITYSCAPES_CLASSES
    PALETTE = CITYSCAPES_PALETTE
    CONVERTER: ClassVar[str | None] = 'gta'

    def __init__(
        self,
        img_suffix: str = '.png',
        seg_map_suffix: str = '_labelTrainIds.png',
        **kwargs: Any,
    ) -> None:
        super().__init__(img_suffix=img_suffix, seg_map_suffix=seg_map_suffix, **kwargs)
