"""A trained network on single images."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from matplotlib import pyplot
from mmcv.parallel import collate
from mmcv.utils import Config
from torch import nn

from mmseg.core.building import build_from_cfg
from mmseg.core.checkpoint import Branch, load_state_dict, select_branch
from mmseg.core.checkpoint_reading import read_checkpoint
from mmseg.core.evaluation import are_numbers, check_same_classes, get_classes, get_palette
from mmseg.core.visualization import load_picture, overlay, save_picture
from mmseg.datasets.builder import PIPELINES
from mmseg.datasets.pipelines import Compose
from mmseg.datasets.pipelines.loading import describe_image
from mmseg.models import build_segmentor
from mmseg.utils.errors import UserError

from .config import load_config
from .loader import DeviceLoader
from .memory import TESTING_KNOBS, explained_memory
from .run_datasets import testing_steps

_HEAD = 'the head (model.decode_head.num_classes)'


def init_segmentor(
    config: str | Path | Config,
    checkpoint: str | Path | None = None,
    device: str | torch.device = 'cuda:0',
    branch: Branch = 'model',
    trust_checkpoint: bool = False,
) -> nn.Module:
    """Build a segmentor and load its weights.

    Args:
        config: Config, or the path of one.
        checkpoint: File with its weights, or None for random ones.
        device: Where the model goes.
        branch: 'model' for the student's weights, 'ema_model' for the teacher's.
        trust_checkpoint: Whether the file may run code.

    Returns:
        The segmentor in eval mode, with `cfg`, `CLASSES`, `PALETTE` and, as `trained_classes`, the
        names that the checkpoint holds (None where it is silent) under what it is called.

    Raises:
        UserError: The config or the checkpoint can't be used, or they differ in their classes.
    """
    cfg = config if isinstance(config, Config) else load_config(config)
    model_cfg = {**cfg.model, 'pretrained': None}
    model = build_segmentor(model_cfg, cfg.get('train_cfg'), cfg.get('test_cfg'))
    meta: dict[str, Any] = {}
    model.trained_classes = {}
    if checkpoint is not None:
        content = read_checkpoint(checkpoint, trust_checkpoint)
        meta = content.get('meta') or {}
        model.trained_classes = {f'the checkpoint {checkpoint}': meta.get('CLASSES')}
        check_same_classes({**model.trained_classes, _HEAD: model.num_classes})
        load_state_dict(model, select_branch(content['state_dict'], branch), checkpoint)
    model.cfg = cfg
    model.CLASSES, model.PALETTE = _names_and_colors(meta, model_cfg['decode_head'])
    return model.to(device).eval()


def match_classes(model: nn.Module, dataset: Any, name: str = 'data.test') -> None:
    """Compare a network's classes with those of a data set that it is about to be tested on.

    A data set that does not know what its classes are called takes the network's names.

    Args:
        model: From `init_segmentor`.
        dataset: The data set.
        name: Where it stands in the config.

    Raises:
        UserError: Checkpoint, head and data set differ in number, names or order of classes.
    """
    of_dataset = {f'the data set {type(dataset).__name__} ({name})': dataset.CLASSES}
    check_same_classes({**model.trained_classes, _HEAD: model.num_classes, **of_dataset})
    if dataset.CLASSES is None or are_numbers(dataset.CLASSES):
        dataset.CLASSES, dataset.PALETTE = model.CLASSES, model.PALETTE


def inference_segmentor(
    model: nn.Module, img: str | Path | np.ndarray | Sequence[str | Path | np.ndarray]
) -> list[np.ndarray]:
    """Segment images of any size.

    Args:
        model: From `init_segmentor`.
        img: File name or BGR array (H, W, 3), or a list of them.

    Returns:
        Class indices (H, W) per image.
    """
    images = [img] if isinstance(img, str | Path | np.ndarray) else list(img)
    pipeline = test_pipeline(model)
    device = next(model.parameters()).device
    label_maps: list[np.ndarray] = []
    for image in images:
        batch = collate([pipeline({'img': image})], samples_per_gpu=1)
        (plain,) = DeviceLoader([batch], device)
        with torch.inference_mode(), explained_memory(device, TESTING_KNOBS):
            label_maps += model(return_loss=False, rescale=True, **plain)
    return label_maps


def show_result_pyplot(
    model: nn.Module,
    img: str | Path | np.ndarray,
    result: Sequence[np.ndarray],
    palette: Sequence[Sequence[int]] | None = None,
    fig_size: tuple[float, float] = (15, 10),
    opacity: float = 0.5,
    title: str = '',
    block: bool = True,
    out_file: str | Path | None = None,
) -> np.ndarray:
    """Lay a result over its image, show it in a window where there is a screen.

    Args:
        model: From `init_segmentor`.
        img: File name or BGR array (H, W, 3).
        result: What `inference_segmentor` returned.
        palette: Colours (C, 3), by default the model's.
        fig_size: Width and height of the window in inches.
        opacity: Share of the colours in (0, 1].
        title: Line above the picture.
        block: Whether to wait until the window is closed.
        out_file: Image file to write, or None.

    Returns:
        The picture (H, W, 3), RGB.
    """
    image = img[..., ::-1] if isinstance(img, np.ndarray) else load_picture(img)
    picture = overlay(image, result[0], model.PALETTE if palette is None else palette, opacity)
    if out_file is not None:
        save_picture(picture, out_file)
    if pyplot.get_backend().lower() != 'agg':  # what pyplot chooses where there is no screen
        pyplot.figure(figsize=fig_size)
        pyplot.imshow(picture)
        pyplot.title(title)
        pyplot.tight_layout()
        pyplot.show(block=block)
    return picture


def test_pipeline(model: nn.Module) -> Compose:
    """Return what the config does to test images, for `{'img': file or array}`."""
    first, *steps = testing_steps(model.cfg)
    return Compose([LoadImage(first), *steps])


class LoadImage:
    """The first step of a test pipeline, for images that belong to no dataset.

    Args:
        step: Config of the step that it takes the place of, whose way of reading files it keeps;
            None for colour.
    """

    def __init__(self, step: Mapping[str, Any] | None = None) -> None:
        self.reader = build_from_cfg(step or {'type': 'LoadImageFromFile'}, PIPELINES)
        self.color_type = getattr(self.reader, 'color_type', 'color')

    @property
    def is_plain(self) -> bool:
        """Whether files are read as colour pictures of 8 bits, and as nothing else."""
        return self.color_type == 'color' and not getattr(self.reader, 'to_float32', False)

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        image = results['img']
        if isinstance(image, np.ndarray):
            image = self._as_read(image)
            facts = describe_image({'img_info': {'filename': ''}}, image.shape)
            return {**facts, 'img': image, 'filename': None, 'ori_filename': None}
        if not Path(image).is_file():
            raise UserError(f'no image at {image}')
        return self.reader({'img_info': {'filename': str(image)}})

    def _as_read(self, image: np.ndarray) -> np.ndarray:
        """Make of an array what the reader would have made of its file."""
        is_colour = image.ndim == 3 and image.shape[2] == 3
        if self.color_type == 'grayscale' and is_colour:
            image = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_BGR2GRAY)
        elif self.color_type == 'color' and not is_colour:
            raise UserError(f'expected a colour image (H, W, 3), got an array {image.shape}')
        return image.astype(np.float32) if getattr(self.reader, 'to_float32', False) else image


def _names_and_colors(
    meta: dict[str, Any], head_cfg: dict[str, Any]
) -> tuple[list[str], Sequence[Sequence[int]]]:
    """Names and colours of a checkpoint; those of Cityscapes where it is silent and they fit."""
    num_classes = head_cfg['num_classes']
    classes, palette = meta.get('CLASSES'), meta.get('PALETTE')
    if classes is None and num_classes == len(get_classes('cityscapes')):
        classes = get_classes('cityscapes')
    if palette is None and num_classes == len(get_classes('cityscapes')):
        palette = get_palette('cityscapes')
    drawn = np.random.default_rng(num_classes).integers(0, 256, (num_classes, 3)).tolist()
    # a palette may be shorter than the classes: every class is to have a colour
    palette = drawn if palette is None else [*palette, *drawn[len(palette) :]]
    return list(classes or map(str, range(num_classes))), palette
