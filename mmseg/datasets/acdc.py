"""ACDC (Sakaridis et al., ICCV 2021): streets in fog, at night, in rain and in snow."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from mmseg.core.building import nearest
from mmseg.utils.errors import UserError

from .builder import DATASETS
from .cityscapes import CityscapesDataset

CONDITIONS = ('fog', 'night', 'rain', 'snow')
PARTS = ('train', 'val', 'test')


@DATASETS.register_module()
class ACDCDataset(CityscapesDataset):
    """ACDC as it is unpacked: `{rgb_anon,gt}/<condition>/<part>/<sequence>/`.

    Folders rearranged to `{rgb_anon,gt}/<part>/`, as some published code asks for, are read too.
    The labels come with train ids, so there is nothing to convert, and the benchmark's server
    expects train ids.

    Args:
        part: 'train', 'val' or 'test'; None for all that is below `img_dir`.
        conditions: Some of 'fog', 'night', 'rain' and 'snow'; None for all.
        **kwargs: As for `CustomDataset`.

    Raises:
        UserError: For an unknown part or condition, or one that no image is of.
    """

    CONVERTER: ClassVar[str | None] = None
    SERVER_IDS: ClassVar[Sequence[int]] = range(len(CityscapesDataset.CLASSES))

    def __init__(
        self,
        img_dir: str = 'rgb_anon',
        img_suffix: str = '_rgb_anon.png',
        seg_map_suffix: str = '_gt_labelTrainIds.png',
        *,
        part: str | None = None,
        conditions: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        for name, known in [(part, PARTS), *((c, CONDITIONS) for c in conditions or ())]:
            if name is not None and name not in known:
                raise UserError(f'ACDC has no {name!r}; {nearest(name, known)}')
        self.part = part
        self.conditions = None if conditions is None else set(conditions)
        super().__init__(
            img_dir=img_dir, img_suffix=img_suffix, seg_map_suffix=seg_map_suffix, **kwargs
        )

    def load_annotations(self, img_dir: str, *places: Any) -> list[dict[str, Any]]:
        """List the images of the part and conditions that are wanted; see the base class."""
        rearranged = self.part is not None and (Path(img_dir) / self.part).is_dir()
        found = [
            info
            for info in super().load_annotations(img_dir, *places)
            if self._is_wanted(Path(info['filename']).parts[:-1], rearranged)
        ]
        if not found:
            conditions = ', '.join(sorted(self.conditions or CONDITIONS))
            raise UserError(
                f'no image of {conditions} in the part {self.part or "all"} below {img_dir}: '
                'unpack rgb_anon_trainvaltest.zip there'
            )
        return found

    def _is_wanted(self, folders: Sequence[str], rearranged: bool) -> bool:
        is_part = folders[:1] == (self.part,) if rearranged else self.part in (None, *folders)
        return is_part and (self.conditions is None or bool(self.conditions & set(folders)))
