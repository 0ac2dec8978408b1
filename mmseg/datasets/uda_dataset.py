"""Pairs of a labelled source sample and an unlabelled target sample."""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from torch.utils.data import Dataset

from mmseg.core.building import call_checked
from mmseg.core.settings.kinds import COUNT
from mmseg.ops.boxes import draw_box
from mmseg.utils.errors import UserError
from mmseg.utils.overrides import RefusesOverrides
from mmseg.utils.seed import derive_seed, numpy_generator, torch_generator

from .builder import DATASETS, build_dataset
from .custom import CustomDataset
from .pipelines import VALID, Compose, with_labels
from .pipelines.sub_crop import sub_crop
from .rare_class_sampling import RareClassDataset


@DATASETS.register_module()
class UDADataset(RefusesOverrides, Dataset):
    """Source samples with labels, paired with target samples without.

    The target's labels are never read, even where its config names them: adaptation does not use
    them, and images without labels can so be trained on with the same config. Those few that are
    to be used are a set of their own, `target_labelled`.

    Args:
        source: Config of the labelled data set, or the data set itself; also several that are
            joined, see `ConcatDataset`.
        target: Config of the data set to adapt to, or the data set itself; likewise.
        rare_class_sampling: `min_pixels`, `class_temp` and `min_crop_ratio` of
            `RareClassDataset`; None draws source images alike.
        strict: Whether a file that cannot be decoded stops training instead of being skipped.
        target_labelled: Labelled images of the target, if there are some: a config, which is as
            `target` where it is silent (`ann_dir` and `split` suffice; its pipeline reads labels
            too), or the data set itself.
            Training learns from them as from the source, classes of theirs are mixed, and the
            instance bank sees them.
        target_labelled_share: How often the labelled sample of a pair is one of them, in [0, 1].
        sync_crop_size: Height and width of a second crop that source and target are cut to at one
            place, so that what is drawn on the way there stays as with larger crops (Hoyer et al.,
            HRDA, crop sizes of the ablations); None for none.

    Raises:
        UserError: For a source without labels, domains with different classes, a share that is
            none, or a second crop that is no size.
    """

    NEVER_CALLED: ClassVar[Mapping[str, str]] = {
        '__getitem__': 'override draw, which gives training its samples',
        'get_rare_class_sample': 'override draw of RareClassDataset, or prepare_train_img of the '
        "source's data set",
    }

    def __init__(
        self,
        source: Any,
        target: Any,
        rare_class_sampling: Mapping[str, Any] | None = None,
        strict: bool = False,
        sync_crop_size: Sequence[int] | None = None,
        target_labelled: Any = None,
        target_labelled_share: float = 0.25,
    ) -> None:
        if sync_crop_size is not None and (
            len(sync_crop_size) != 2 or not all(map(COUNT.fits, sync_crop_size))
        ):
            raise UserError(
                f'sync_crop_size: expected a height and a width in pixels, got {sync_crop_size!r}'
            )
        if not 0 <= target_labelled_share <= 1:
            raise UserError(
                f'target_labelled_share: expected a number in [0, 1], got {target_labelled_share}'
            )
        self.sync_crop_size = sync_crop_size
        self.target_labelled_share = target_labelled_share
        defaults = {'strict': strict}
        if isinstance(target_labelled, Mapping):
            silent = target if isinstance(target, Mapping) else {}
            few = {**silent, 'crop_pseudo_margins': None, **target_labelled}
            few['pipeline'] = with_labels(few['pipeline'])
            target_labelled = build_dataset(few, defaults)
        if isinstance(source, Mapping | list):
            source = build_dataset(source, defaults)
        if isinstance(target, Mapping | list):
            target = build_dataset(_unlabelled(target, source), defaults)
        if target.CLASSES is None:
            target.CLASSES, target.PALETTE = source.CLASSES, source.PALETTE
        if target_labelled is not None and target_labelled.CLASSES is None:
            target_labelled.CLASSES, target_labelled.PALETTE = source.CLASSES, source.PALETTE
        _check_pair(source, target)
        if target_labelled is not None:
            _check_pair(target_labelled, target, 'target_labelled')
        self.target = target
        self.source, self.target_labelled = source, target_labelled
        if rare_class_sampling is not None:
            self.source = call_checked(RareClassDataset, {'source': source, **rare_class_sampling})
            if target_labelled is not None:
                few = {'source': target_labelled, **rare_class_sampling}
                self.target_labelled = call_checked(RareClassDataset, few)
        self.CLASSES, self.PALETTE = target.CLASSES, target.PALETTE
        self.ignore_index = target.ignore_index

    def __len__(self) -> int:
        return len(self.source) * len(self.target)

    @property
    def num_skipped(self) -> int:
        """How many samples were replaced because a file could not be decoded."""
        labelled = 0 if self.target_labelled is None else self.target_labelled.num_skipped
        return self.source.num_skipped + self.target.num_skipped + labelled

    def with_pipeline(self, change: Callable[[Compose], Compose]) -> 'UDADataset':
        """Return this data set with changed pipelines of its source and its target."""
        other = copy.copy(self)
        other.source = self.source.with_pipeline(change)
        other.target = self.target.with_pipeline(change)
        if self.target_labelled is not None:
            other.target_labelled = self.target_labelled.with_pipeline(change)
        return other

    def __getitem__(self, position: int) -> dict[str, Any]:
        """Return the pair at a position of the run with seed 0."""
        return self.draw(position, seed=0)

    def draw(self, position: int, seed: int) -> dict[str, Any]:
        """Return the pair at a position of a run.

        Args:
            position: Position in the run, from 0.
            seed: The run's seed.

        Returns:
            The labelled sample, the target's `img` and `img_metas` as `target_img` and
            `target_img_metas`, and its `valid_pseudo_mask`, where it has `crop_pseudo_margins`.
        """
        sample = self._labelled_set(position, seed).draw(position, seed)
        target = self.target.draw(position, derive_seed('target', seed))
        pair = {
            **sample,
            'target_img_metas': target['img_metas'],
            'target_img': target['img'],
        }
        if VALID in target:
            pair[VALID] = target[VALID]
        return pair if self.sync_crop_size is None else self._cut(pair, position, seed)

    def _labelled_set(self, position: int, seed: int) -> Any:
        """Draw which labelled set a pair's sample is of; without a second one nothing is drawn."""
        if self.target_labelled is None:
            return self.source
        drawn = numpy_generator('labelled domain', seed, position).random()
        return self.target_labelled if drawn < self.target_labelled_share else self.source

    def _cut(self, pair: dict[str, Any], position: int, seed: int) -> dict[str, Any]:
        assert self.sync_crop_size is not None
        size = pair['img'].data.shape[-2:]
        if any(crop > side for crop, side in zip(self.sync_crop_size, size, strict=True)):
            raise UserError(
                f'sync_crop_size={tuple(self.sync_crop_size)} is larger than the crops of '
                f'{size[0]}×{size[1]} (height×width) that it is cut from'
            )
        generator = torch_generator('sync_crop', seed, position)
        return sub_crop(pair, draw_box(size, self.sync_crop_size, 1, generator))


def _unlabelled(target: Any, source: Any) -> Any:
    """Return a target's config, or a list of them, that loads no labels.

    Label maps that lie among own target images are known by the source's names.
    """
    if isinstance(target, list | tuple):
        return [_unlabelled(part, source) for part in target]
    inner = {key: target[key] for key in ('datasets', 'dataset') if key in target}
    if inner:
        return {**target, **{key: _unlabelled(part, source) for key, part in inner.items()}}
    is_own = target.get('type') == CustomDataset.__name__ and isinstance(source, CustomDataset)
    names = {'seg_map_suffix': source.seg_map_suffix} if is_own else {}
    return {**names, **target, 'load_labels': False}


def _check_pair(labelled: Any, target: Any, name: str = 'source') -> None:
    if not labelled.has_labels:
        raise UserError(f'the {name} {labelled.img_dir} needs labels: set its ann_dir')
    own, other = labelled.CLASSES, target.CLASSES
    if own != other:
        raise UserError(f'{name} and target must have the same classes, got {own} and {other}')
