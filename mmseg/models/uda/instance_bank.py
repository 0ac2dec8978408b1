"""The bank of labelled instance features (DIDA, section 3.3).

N entries, D channels, C classes, B images.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from mmseg.utils.atomic import atomic_path
from mmseg.utils.errors import UserError

FEATURES_FILE = 'f_buffer_s.npz'
LABELS_FILE = 'l_buffer_s.npz'
UNFILLED = -1


def class_quotas(num_entries: int, class_pixels: Sequence[float]) -> list[int]:
    """Share the bank out evenly among the classes that the source set holds.

    Args:
        num_entries: N.
        class_pixels: Pixels of each class in the source set (C,); classes with none get no entry.

    Returns:
        Entries of each class (C,), equal up to one; what is left over goes to the rarest classes.

    Raises:
        ValueError: No class has a pixel.

    >>> class_quotas(9, class_pixels=[1000, 10, 0])
    [4, 5, 0]
    """
    present = [c for c in rare_first(class_pixels) if class_pixels[c] > 0]
    if not present:
        raise ValueError('expected at least one class with pixels in the source set, got none')
    quotas = [0] * len(class_pixels)
    for rank, c in enumerate(present):
        quotas[c] = num_entries // len(present) + (rank < num_entries % len(present))
    return quotas


def rare_first(class_pixels: Sequence[float]) -> list[int]:
    """Order the classes by pixel frequency, the rarest first.

    >>> rare_first([1000, 10, 200])
    [1, 2, 0]
    """
    return sorted(range(len(class_pixels)), key=lambda c: class_pixels[c])


class InstanceBank(nn.Module):
    """N labelled feature vectors that follow the student's class vectors.

    Entries start unfilled (label −1), are filled class by class up to the quotas, and are then
    moved by momentum. Features, labels and what the quotas follow from belong to the state dict:
    `class_pixels` (C,), negative for a class that has given up what it did not fill.

    Args:
        num_entries: N.
        dim: D.
        num_classes: C.

    Raises:
        ValueError: A size is not positive.
    """

    features: torch.Tensor
    labels: torch.Tensor
    class_pixels: torch.Tensor

    def __init__(self, num_entries: int, dim: int, num_classes: int) -> None:
        super().__init__()
        if min(num_entries, dim, num_classes) < 1:
            raise ValueError(
                f'expected positive sizes, got num_entries={num_entries}, dim={dim}, '
                f'num_classes={num_classes}'
            )
        self.num_classes = num_classes
        self.register_buffer('features', torch.zeros(num_entries, dim))
        self.register_buffer('labels', torch.full((num_entries,), UNFILLED))
        self.register_buffer('class_pixels', torch.ones(num_classes, dtype=torch.float64))
        self._refresh()

    @property
    def is_full(self) -> bool:
        """Whether every entry is filled."""
        return self.num_filled == len(self.labels)

    @property
    def quotas(self) -> list[int]:
        """Entries that each class may have (C,)."""
        return list(self._quotas)

    def _refresh(self) -> None:
        # Host-side mirrors: reading a buffer every step would wait for the device.
        self.num_filled = int((self.labels != UNFILLED).sum())
        pixels, counts = self.class_pixels.tolist(), self.class_counts().tolist()
        self._order = rare_first([abs(number) for number in pixels])
        kept = [count if number < 0 else 0 for number, count in zip(pixels, counts, strict=True)]
        shares = class_quotas(len(self.labels) - sum(kept), [max(number, 0) for number in pixels])
        self._quotas = [share + own for share, own in zip(shares, kept, strict=True)]
        self._is_uncounted = [number == 0 for number in pixels]

    def set_class_pixels(self, class_pixels: Sequence[float]) -> None:
        """Tell the bank how many pixels of each class (C,) the source set holds.

        Classes without any give up their entries; rarer classes come first.

        Args:
            class_pixels: Pixel counts (C,).

        Raises:
            ValueError: The length is not C, or no class has a pixel.
        """
        if len(class_pixels) != self.num_classes:
            raise ValueError(f'expected {self.num_classes} counts, got {len(class_pixels)}')
        self.class_pixels.copy_(torch.as_tensor(class_pixels, dtype=torch.float64))
        self._refresh()

    def is_negative_somewhere(self) -> bool:
        """Say whether a filled entry has a negative feature."""
        return bool((self.features[self.labels != UNFILLED] < 0).any())

    def class_counts(self) -> torch.Tensor:
        """Return the number of filled entries of each class (C,)."""
        return self.labels[self.labels != UNFILLED].bincount(minlength=self.num_classes)

    @torch.no_grad()
    def fill_(self, vectors: torch.Tensor, present: torch.Tensor) -> int:
        """Put class vectors into unfilled entries, one per class and image, up to the quotas.

        A class that the source's statistics do not count takes part as soon as it is seen.

        Args:
            vectors: Class vectors of each image (B, C, D).
            present: Which of them exist (B, C) bool.

        Returns:
            How many entries were filled.
        """
        free = (self.labels == UNFILLED).nonzero()[:, 0].tolist()
        counts = self.class_counts().tolist()
        available = _usable(vectors, present).tolist()
        self._admit(c for image in available for c in range(self.num_classes) if image[c])
        before = len(free)
        for c in self._order:
            for image in range(len(vectors)):
                if free and available[image][c] and counts[c] < self._quotas[c]:
                    slot = free.pop(0)
                    self.features[slot] = vectors[image, c].to(self.features.dtype)
                    self.labels[slot] = c
                    counts[c] += 1
        self.num_filled += before - len(free)
        return before - len(free)

    @torch.no_grad()
    def share_out_(self) -> None:
        """Give what some classes did not fill to others; every class keeps the entries it has.

        Those whose quota is met share the rest evenly. Where no class has met its quota, those that
        were seen at all take the place of those that were not; where none was seen, all wait on.
        """
        quotas = torch.tensor(self._quotas)
        counts, pixels = self.class_counts().cpu(), self.class_pixels.cpu()
        gives_up = counts < quotas
        if gives_up[quotas > 0].all():
            gives_up &= counts == 0
        if not self.is_full and (~gives_up & (pixels > 0)).any():
            self.class_pixels.copy_(torch.where(gives_up, -pixels.abs(), pixels))
            self._refresh()

    def _admit(self, seen: Iterable[int]) -> None:
        uncounted = {c for c in seen if self._is_uncounted[c]}
        if uncounted:
            self.class_pixels[list(uncounted)] = 1
            self._refresh()

    @torch.no_grad()
    def update_(self, vectors: torch.Tensor, present: torch.Tensor, momentum: float) -> None:
        """Move filled entries towards their class's vector: f_k ← m f_k + (1 − m) v_{l_k}.

        Args:
            vectors: This batch's class vectors (C, D).
            present: Which classes the batch holds (C,) bool; entries of others stay as they are.
            momentum: m in [0, 1].

        Raises:
            ValueError: The shapes are not (C, D) and (C,).
        """
        expected = (self.num_classes, self.features.shape[1])
        if vectors.shape != expected or present.shape != expected[:1]:
            raise ValueError(
                f'expected vectors {expected} and present {expected[:1]}, '
                f'got {tuple(vectors.shape)} and {tuple(present.shape)}'
            )
        classes = self.labels.clamp(min=0)
        moved = torch.lerp(vectors[classes].to(self.features.dtype), self.features, momentum)
        follows = _usable(vectors, present)[classes] & (self.labels != UNFILLED)
        self.features.copy_(torch.where(follows[:, None], moved, self.features))

    @torch.no_grad()
    def replace_(self, vectors: torch.Tensor, present: torch.Tensor, turns: torch.Tensor) -> None:
        """Put the vectors of each image in the place of their classes' oldest entries.

        Args:
            vectors: Class vectors of each image (B, C, D).
            present: Which of them exist (B, C) bool.
            turns: How many entries of each class (C,) were replaced so far; counted on, in place.
        """
        available = _usable(vectors, present).tolist()
        slots = [(self.labels == c).nonzero()[:, 0].tolist() for c in range(self.num_classes)]
        for image, is_there in enumerate(available):
            for c, own in enumerate(slots):
                if own and is_there[c]:
                    slot = own[int(turns[c]) % len(own)]
                    self.features[slot] = vectors[image, c].to(self.features.dtype)
                    turns[c] += 1

    @classmethod
    def from_file(
        cls, folder: str | Path, dim: int | None = None, num_classes: int | None = None
    ) -> 'InstanceBank':
        """Read the published pair of files.

        Args:
            folder: Holds `f_buffer_s.npz` (arr_0: N×D float32) and `l_buffer_s.npz` (arr_0: N
                int64, −1 for entries that are yet to be filled).
            dim: D that is expected; any where None.
            num_classes: C; the highest label plus one where None.

        Returns:
            The bank.

        Raises:
            UserError: A file is missing or unreadable, or does not fit D or C.
        """
        features = _read_array(Path(folder) / FEATURES_FILE, np.float32, 2)
        labels = _read_array(Path(folder) / LABELS_FILE, np.int64, 1)
        if len(features) != len(labels):
            raise UserError(
                f'{folder}: expected as many labels as features, got {len(labels)} labels and '
                f'{len(features)} features'
            )
        if dim is not None and features.shape[1] != dim:
            raise UserError(
                f'{folder}: expected bank entries of {dim} channels, as many as the decode head '
                f'has, got {features.shape[1]}; build one with tools/build_instance_bank.py'
            )
        highest = int(labels.max(initial=UNFILLED))
        if num_classes is None:
            num_classes = max(highest + 1, 1)
        if highest >= num_classes or labels.min(initial=0) < UNFILLED:
            raise UserError(
                f'{folder}: expected bank labels for {num_classes} classes, got labels '
                f'{labels.min()} to {highest}; build one with tools/build_instance_bank.py'
            )
        bank = cls(len(labels), features.shape[1], num_classes)
        bank.features.copy_(torch.from_numpy(features))
        bank.labels.copy_(torch.from_numpy(labels))
        bank._refresh()
        return bank

    def save(self, folder: str | Path) -> None:
        """Write the published pair of files into `folder`, whole or not at all.

        Args:
            folder: Made if missing.
        """
        paths = [Path(folder) / name for name in (FEATURES_FILE, LABELS_FILE)]
        # Both are complete before either takes its place: they belong together.
        with atomic_path(paths[0]) as features, atomic_path(paths[1]) as labels:
            np.savez(features, self.features.cpu().numpy())
            np.savez(labels, self.labels.cpu().numpy())

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], *args: Any) -> None:
        super()._load_from_state_dict(state_dict, *args)
        self._refresh()


def _usable(vectors: torch.Tensor, present: torch.Tensor) -> torch.Tensor:
    """Leave out vectors that are not finite: an entry would never get rid of them."""
    return present & vectors.isfinite().all(dim=-1)


def _read_array(path: Path, dtype: type, num_dims: int) -> np.ndarray:
    try:
        with np.load(path, allow_pickle=False) as archive:
            array = archive['arr_0']
    except FileNotFoundError:
        raise UserError(
            f'{path} not found; build a bank with tools/build_instance_bank.py or leave out '
            '`bank_file` to start from an unfilled one'
        ) from None
    except Exception as error:
        raise UserError(f'{path}: expected an .npz archive holding arr_0 ({error})') from None
    if array.ndim != num_dims:
        raise UserError(f'{path}: expected {num_dims} dimensions, got shape {array.shape}')
    return array.astype(dtype)
