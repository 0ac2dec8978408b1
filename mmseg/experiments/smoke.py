"""Runs that only show that all works: two iterations on small drawn streets, the network whole."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmcv.utils import Config

from mmseg.utils.atomic import atomic_path
from mmseg.utils.errors import UserError

from .streets import prepare_streets

SCENES = dict(num_source=6, num_target=6, num_val=2, size='128x64', seed=0)
CROP = 64
MAX_ITERS = 2
SIZES = ('img_scale', 'crop_size', 'sync_crop_size', 'size', 'stride', 'hr_crop_size')
# Data set -> its folder among the drawn streets.
FOLDERS = {
    'GTADataset': 'gta',
    'SynthiaDataset': 'synthia',
    'CityscapesDataset': 'cityscapes',
    'ACDCDataset': 'acdc',
    'DarkZurichDataset': 'dark_zurich',
}
OWN_DATA = 'CustomDataset'
# Data set without drawn streets of its own -> where it keeps those of Cityscapes.
BORROWED = {'acdc': 'night/{split}/GOPR0351', 'dark_zurich': '{split}/night/GOPR0351'}


def prepare_smoke_streets(root: str | Path) -> None:
    """Draw the streets, as far as that is not done yet.

    Args:
        root: Where the layouts of all data sets go.
    """
    drawn = [folder for folder in FOLDERS.values() if folder not in BORROWED]
    prepare_streets(root, SCENES, drawn)
    for name, template in BORROWED.items():
        _borrow(Path(root) / 'cityscapes', Path(root) / name, template)


def _borrow(cityscapes: Path, root: Path, template: str) -> None:
    """Copy Cityscapes' drawn streets into the layout that ACDC and Dark Zurich share."""
    image_end, label_end = '_leftImg8bit.png', '_gtFine_labelTrainIds.png'
    for image in sorted((cityscapes / 'leftImg8bit').glob(f'*/*/*{image_end}')):
        split, stem = image.parts[-3], image.name.removesuffix(image_end)
        label = cityscapes / 'gtFine' / split / image.parts[-2] / f'{stem}{label_end}'
        folder = template.format(split=split)
        for original, copy in (
            (image, root / 'rgb_anon' / folder / f'{stem}_rgb_anon.png'),
            (label, root / 'gt' / folder / f'{stem}_gt_labelTrainIds.png'),
        ):
            if not copy.exists():
                with atomic_path(copy) as temporary:
                    shutil.copyfile(original, temporary)


def shrink(path: Path, root: str | Path) -> None:
    """Rewrite a config file so that its run takes seconds.

    What changes: images, crops and what is counted in their pixels or rows, data, iterations, the
    workers, and how much is saved. Weights that would have to be fetched are left out.

    Args:
        path: A config file that stands by itself; its bases are merged in.
        root: Where `prepare_smoke_streets` drew.

    Raises:
        UserError: The config's data set has no drawn streets.
    """
    config = Config.fromfile(str(path), import_custom_modules=False)
    ratio = CROP / _crop_of(config)
    if any(part.get('type') == OWN_DATA for part in _parts(config.data)):
        config.model.decode_head.num_classes = 19
    _move_data(config.data, Path(root))
    _scale_sizes(config.data, ratio)
    _scale_sizes(config.model, ratio)
    for target in _parts(config.data.train.get('target') or {}):
        if target.get('crop_pseudo_margins'):
            # They count in pixels of the original images, which are of 2048×1024.
            margins = [pixels * CROP // 1024 for pixels in target['crop_pseudo_margins']]
            target['crop_pseudo_margins'] = margins
    sampling = config.data.train.get('rare_class_sampling')
    if sampling:
        sampling.min_pixels = int(sampling.min_pixels * ratio**2)
    for key in ('pseudo_weight_ignore_top', 'pseudo_weight_ignore_bottom'):
        if (config.get('uda') or {}).get(key):
            config.uda[key] = int(config.uda[key] * ratio)
    masks = (config.get('uda') or {}).get('mask_generator')
    if masks:
        masks.mask_block_size = max(1, int(masks.mask_block_size * ratio))
    for part in (config.model, config.model.get('backbone') or {}):
        weights = part.get('pretrained') or ''
        if weights == 'hub' or '://' in weights:
            part['pretrained'] = None
    config.merge_from_dict(
        {
            'data.workers_per_gpu': 0,
            'runner.max_iters': MAX_ITERS,
            'log_config.interval': 1,
            'evaluation.interval': MAX_ITERS,
            'evaluation.save_best': None,
            'checkpoint_config.interval': MAX_ITERS,
            'checkpoint_config.save_optimizer': False,
        }
    )
    with atomic_path(path) as temporary:
        config.dump(str(temporary))


def _crop_of(config: Config) -> int:
    train = config.data.train
    steps = _parts(train.get('source', train))
    crops = [step['crop_size'] for step in steps if step.get('type') == 'RandomCrop']
    if not crops:
        raise UserError('--smoke: the training pipeline has no RandomCrop to take the size from')
    return min(crops[0])


def _parts(data: Any) -> Iterator[Any]:
    """Go through all dicts of a config."""
    if isinstance(data, dict):
        yield data
    for value in data.values() if isinstance(data, dict) else data:
        if isinstance(value, dict | list | tuple):
            yield from _parts(value)


def _move_data(data: Any, root: Path) -> None:
    """Let every data set in a config read the drawn streets."""
    for part in _parts(data):
        if 'data_root' not in part:
            continue
        if part['type'] == OWN_DATA:
            _stand_in(part)
        if part['type'] not in FOLDERS:
            known = ', '.join(FOLDERS)
            raise UserError(f'--smoke: no streets are drawn for {part["type"]}, only for {known}')
        part['data_root'] = f'{root / FOLDERS[part["type"]]}/'


def _stand_in(data: Any) -> None:
    """Let streets in the layout of Cityscapes stand for data of one's own."""
    split = 'val' if 'val' in data['img_dir'] else 'train'
    for key in ('classes', 'palette', 'img_suffix', 'seg_map_suffix'):
        data.pop(key, None)
    data['type'], data['img_dir'] = 'CityscapesDataset', f'leftImg8bit/{split}'
    data['ann_dir'] = f'gtFine/{split}'


def _scale_sizes(config: Any, ratio: float) -> None:
    """Scale every pair of pixels below `config` in place."""
    if isinstance(config, dict):
        for key, value in config.items():
            if key in SIZES and isinstance(value, list | tuple):
                config[key] = [max(1, round(side * ratio)) for side in value]
            else:
                _scale_sizes(value, ratio)
    elif isinstance(config, list | tuple):
        for value in config:
            _scale_sizes(value, ratio)
