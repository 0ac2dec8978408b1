"""Which files of a data set are images, and which label maps belong to them."""

import os.path as osp
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mmseg.utils.errors import UserError

from .listing import (
    converted_label_suffixes,
    files_below,
    images_below,
    is_within,
    refuse_dead_links,
    there_instead,
)
from .splits import FileNames, SplitEntry, read_split
from .statistics_files import CONVERTED


@dataclass(frozen=True)
class PairedFiles:
    """Images and label maps that belong together by name; all folders are whole paths.

    Attributes:
        img_dir: Folder of the images.
        img_suffix: End of an image's name.
        ann_dir: Folder of the label maps; None where there are none.
        seg_map_suffix: End of a label map's name.
        split: File that lists the images; None for all.
        data_root: Folder that paths in the split may start from.
        stats_dir: Folder of what a converter left.
        has_labels: Whether label maps are read.
    """

    img_dir: str
    img_suffix: str
    ann_dir: str | None
    seg_map_suffix: str
    split: str | None
    data_root: str | None
    stats_dir: str
    has_labels: bool

    def infos(self) -> list[dict[str, Any]]:
        """List the images: `filename`, and the label map as `ann`, `seg_map` where there are any.

        Raises:
            UserError: There is no image, or the split names what is not there.
        """
        entries = self._listed() if self.split is None else self._named(self.split)
        if not entries:
            hint = there_instead(self.img_dir, 'img_suffix') if self.split is None else ''
            where = self.split or self.img_dir
            raise UserError(f'no image named *{self.img_suffix} in {where}{hint}')
        refuse_dead_links(self.img_dir, [entry.image for entry in entries])
        return [self._info(entry) for entry in entries]

    def check_labels(self, infos: Sequence[dict[str, Any]], convert_hint: str) -> None:
        """Check that every image has a label map.

        Args:
            infos: The images.
            convert_hint: What else to say where converting would make them.

        Raises:
            UserError: Counts those that are missing and names the first.
        """
        folder = self.ann_dir or ''
        present = set(files_below(folder))
        wanted = [info['ann']['seg_map'] for info in infos if 'ann' in info]
        if len(wanted) < len(infos):
            without = next(info for info in infos if 'ann' not in info)
            raise UserError(
                f"load_annotations: expected 'ann' with 'seg_map' of every image, got {without}"
            )
        # a data set with its own list of images may name files elsewhere, by whole paths
        missing = [
            name
            for name in wanted
            if name not in present and not osp.isfile(osp.join(folder, name))
        ]
        if missing:
            hint = convert_hint or there_instead(folder, 'seg_map_suffix')
            if convert_hint and not self._is_convertible(missing[0], present):
                hint = (
                    ', nor anything that could be converted to it: take its image away, or list '
                    'the other images in a file and name it as split'
                )
            raise UserError(
                f'{len(missing)} of {len(wanted)} images have no label file, the first is '
                f'{osp.join(folder, missing[0])}{hint}'
            )
        refuse_dead_links(folder, wanted)

    def _is_convertible(self, label: str, present: set[str]) -> bool:
        """Whether an original may lie beside a missing label, or anywhere."""
        is_beside = self.stats_dir == (self.data_root or '')
        stem = label.removesuffix(self.seg_map_suffix)
        return not is_beside or any(name.startswith(stem) for name in present)

    def _named(self, split: str) -> list[SplitEntry]:
        images = FileNames(self.img_dir, self.img_suffix, self.data_root)
        if not self.has_labels or self.ann_dir is None:
            return read_split(split, images, None)
        labels = FileNames(self.ann_dir, self.seg_map_suffix, self.data_root)
        return read_split(split, images, labels)

    def _listed(self) -> list[SplitEntry]:
        label_suffixes = {CONVERTED, *converted_label_suffixes(self.stats_dir, self.img_dir)}
        if self.ann_dir is None or is_within(self.ann_dir, self.img_dir):
            label_suffixes.add(self.seg_map_suffix)
            self._refuse_images_as_labels()
        names = images_below(self.img_dir, self.img_suffix, label_suffixes)
        return [SplitEntry(name) for name in names]

    def _refuse_images_as_labels(self) -> None:
        if not self.has_labels or self.seg_map_suffix != self.img_suffix:
            return
        if is_within(self.img_dir, self.ann_dir or ''):
            raise UserError(
                f'images and labels are the same files: all *{self.img_suffix} of {self.img_dir}; '
                'set img_suffix and seg_map_suffix, or img_dir and ann_dir, to tell them apart'
            )

    def _info(self, entry: SplitEntry) -> dict[str, Any]:
        info: dict[str, Any] = {'filename': entry.image}
        if self.ann_dir is not None:
            is_usual = entry.image.endswith(self.img_suffix)
            stem = entry.image.removesuffix(self.img_suffix)
            stem = stem if is_usual else osp.splitext(stem)[0]
            info['ann'] = {'seg_map': entry.label or f'{stem}{self.seg_map_suffix}'}
        return info
