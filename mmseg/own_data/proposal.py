"""Looking at a person's folders, choosing, and writing the two configs."""

import json
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from mmseg.datasets.class_mapping import ClassMapping, read_values, suggest_min_pixels
from mmseg.datasets.own_labels import convert_own_labels
from mmseg.datasets.statistics_files import STATS_FILE
from mmseg.utils.atomic import atomic_path
from mmseg.utils.environment import choose_device
from mmseg.utils.errors import UserError
from mmseg.utils.places import WORKSPACE

from .choices import (
    Choice,
    choose_batch,
    choose_crop,
    choose_encoder,
    choose_entries,
    choose_margins,
    choose_precision,
    choose_size,
)
from .fit import fit_of
from .label_values import COLOURED, look_at_labels, propose_classes
from .pairs import NO_LABEL, pair_up
from .pictures import Folder, Picture, described, look_into, typical_size
from .plan import Layout, config_of_plan, lay_out, lay_out_pairs, write_mapping
from .request import Request
from .telling import Told

# Labelled target images are kept apart where so many others are left to adapt to.
_LEAST_TARGET = 20
_MANY_LABELS = 64
# Iterations where nothing says how long a training may take.
ITERATIONS = {'cpu': 900, 'cuda': 40000}


def propose(request: Request, layout: Layout, max_iters: int, tell: Told) -> None:
    """Look at the folders, choose, and write `adapt.json` and `source_only.json`.

    Args:
        request: The folders, and what is to be made of them.
        layout: Where data sets and configs go.
        max_iters: Training iterations.
        tell: Told what was found and chosen, each with its reason.

    Raises:
        UserError: The folders do not hold what they should.
    """
    source, labels, target = (
        look_into(folder, request.others(folder))
        for folder in (request.images, request.labels, request.target)
    )
    for folder, what in ((source, 'source'), (labels, 'labels'), (target, 'target')):
        tell(*described(folder, what))
    pairs = pair_up(source.pictures, labels.pictures)
    tell(f'labels: {len(pairs.pairs)} pairs, by {pairs.how}')
    tell(*(f'labels: {line}' for line in pairs.lines()))
    readers = [
        (image, partial(read_values, label.path, label.mode in COLOURED))
        for image, label in pairs.pairs
    ]
    tell(*(f'labels: {line}' for line in fit_of(readers).lines()))
    paired_labels = [label for _, label in pairs.pairs]
    classes = _classes_of(request.classes, paired_labels, tell)

    lay_out_pairs(pairs.pairs, layout.source)
    _lay_out_target(request, target, layout, tell)
    # What proposed classes leave out has been told.
    told_already: list[str] = []
    tell_unlisted = told_already.append if request.classes is None else tell
    mapping = _convert(classes, layout, request.target_labels is not None, tell_unlisted)
    _require_classes(mapping, layout, tell)
    choices = _choices(source, target, mapping, layout)
    tell(*(f'{choice.name}: {choice.value} ({choice.reason})' for choice in choices.values()))
    has_val = request.target_labels is not None
    for name, method in (('source_only', 'source-only'), ('adapt', request.method)):
        config = config_of_plan(layout, mapping, choices, method, max_iters, has_val)
        write_config(config, layout.config(name))


def write_config(config: dict[str, Any], path: Path) -> None:
    """Write a config as JSON."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(config, indent=2) + '\n', encoding='utf-8')


def _classes_of(mapping: Path | None, labels: Sequence[Picture], tell: Told) -> Any:
    """Return the `classes` of a mapping file: the person's own, or those proposed."""
    if mapping is not None:
        ClassMapping.from_file(mapping)
        tell(f'classes: as {mapping} says')
        return json.loads(mapping.read_text(encoding='utf-8-sig'))['classes']
    values = look_at_labels(labels)
    kind = 'colours' if values.is_coloured else 'ids'
    tell(f'labels: {len(values.shares)} {kind} in {values.num_read} files')
    proposal = propose_classes(values)
    tell(*(f'classes: {line}' for line in proposal.lines))
    return proposal.classes


def _lay_out_target(request: Request, target: Folder, layout: Layout, tell: Told) -> None:
    """Link the target's images, those with labels apart from the others where these suffice."""
    if request.target_labels is None:
        lay_out(target.pictures, layout.target / 'images')
        return
    labels = look_into(request.target_labels, request.others(request.target_labels))
    pairs = pair_up(target.pictures, labels.pictures)
    labelled = [image for image, _ in pairs.pairs]
    paths = {image.path for image in labelled}
    others = [picture for picture in target.pictures if picture.path not in paths]
    is_enough = len(others) >= _LEAST_TARGET
    lay_out(others if is_enough else target.pictures, layout.target / 'images')
    lay_out_pairs(pairs.pairs, layout.target, 'val_images', 'val_labels')
    use = 'kept out of the adaptation' if is_enough else 'adapted to as well: there are few others'
    tell(f'target labels: {len(labelled)} pairs, tested on and {use}', *pairs.lines(NO_LABEL))


def _convert(
    classes: Any, layout: Layout, has_val: bool, tell: Callable[[str], object]
) -> ClassMapping:
    mapping = write_mapping(classes, layout.mapping)
    is_worth_processes = len(list((layout.source / 'labels').iterdir())) > _MANY_LABELS
    number = (os.cpu_count() or 1) if is_worth_processes else 1
    convert_own_labels(layout.mapping, layout.source, None, number, tell)
    if has_val:
        of_val = layout.root / 'val_classes.json'
        write_mapping(classes, of_val, 'val_images', 'val_labels')
        convert_own_labels(of_val, layout.target, None, number, tell)
    return mapping


def _statistics(layout: Layout) -> list[dict[str, Any]]:
    """Return the classes of each label of the source, by their numbers as text → pixels."""
    found = json.loads((layout.source / STATS_FILE).read_text(encoding='utf-8'))
    return [{key: value for key, value in entry.items() if key != 'file'} for entry in found]


def _require_classes(mapping: ClassMapping, layout: Layout, tell: Told) -> None:
    """Name the classes that no label shows; refuse a mapping by which none or one is left."""
    shown = {key for entry in _statistics(layout) for key in entry}
    missing = [name for index, name in enumerate(mapping.classes) if str(index) not in shown]
    if len(shown) < 2:
        raise UserError(
            f'by the classes of {layout.mapping} the labels show {len(shown)} of '
            f'{len(mapping.classes)}: name what stands in the label files'
        )
    if missing:
        tell(f'no label shows {", ".join(missing)}')


def _choices(
    source: Folder, target: Folder, mapping: ClassMapping, layout: Layout
) -> dict[str, Choice]:
    device = choose_device().type
    size = choose_size(typical_size(target.pictures), device)
    has_weights = (WORKSPACE / 'pretrained/mit_b5.pth').is_file()
    is_gpu = device == 'cuda'
    precision = choose_precision(device, is_gpu and torch.cuda.is_bf16_supported())
    memory = torch.cuda.get_device_properties(0).total_memory / 2**30 if is_gpu else 0.0
    every = [
        size,
        choose_crop(size.value, device),
        choose_encoder(has_weights, device),
        precision,
        choose_batch(device, memory, precision.value),
        choose_entries(len(mapping.classes)),
        choose_margins(target.pictures),
        _min_pixels_of(layout, size, typical_size(source.pictures)),
    ]
    return {choice.name: choice for choice in every}


def _min_pixels_of(layout: Layout, size: Choice, source: tuple[int, int]) -> Choice:
    """Choose how much of a rare class an image has to show, from the converted labels."""
    suggested = suggest_min_pixels(_statistics(layout))
    factor = size.value[0] * size.value[1] / (source[0] * source[1])
    value = max(10, round(suggested * min(1.0, factor)))
    reason = f'0.15 % of a label are {suggested} pixels; as many of an image brought to that size'
    return Choice('min_pixels', value, reason)
