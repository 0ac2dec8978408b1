"""Look at two folders of images and write a config that adapts from one to the other.

python tools/propose_config.py --source IMAGES LABELS --target IMAGES [--target-labels LABELS]
                               [--classes map.json] [--out DIR]

Says what it found and what it chose, each with its reason, lays the data sets out in DIR as links,
converts the labels, and writes DIR/adapt.json and DIR/source_only.json: ordinary configs, to be
edited and trained as any other. Nothing is written into the folders that are given.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmseg.datasets.class_mapping import ClassMapping, suggest_min_pixels
from mmseg.datasets.listing import is_within
from mmseg.datasets.statistics_files import STATS_FILE
from mmseg.experiments.streets import run_tool
from mmseg.own_data.choices import (
    Choice,
    choose_crop,
    choose_encoder,
    choose_entries,
    choose_margins,
    choose_size,
)
from mmseg.own_data.label_values import look_at_labels, propose_classes
from mmseg.own_data.pairs import pair_up
from mmseg.own_data.pictures import Folder, described, look_into, typical_size
from mmseg.own_data.plan import Layout, config_of_plan, lay_out, write_mapping
from mmseg.utils.atomic import atomic_path
from mmseg.utils.cli import run_cli
from mmseg.utils.errors import UserError

_ITERATIONS = {'cpu': 900, 'cuda': 40000}
# Labelled target images are kept apart where so many others are left to adapt to.
_LEAST_TARGET = 20


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        '--source', nargs=2, type=Path, required=True, metavar=('IMAGES', 'LABELS'), help='folders'
    )
    parser.add_argument('--target', type=Path, required=True, metavar='IMAGES', help='folder')
    parser.add_argument(
        '--target-labels', type=Path, metavar='LABELS', help='of some target images, to test on'
    )
    parser.add_argument('--classes', type=Path, help='mapping file [proposed from the labels]')
    parser.add_argument('--method', choices=('daformer', 'dida'), default='daformer')
    parser.add_argument('--iterations', type=int, help='[900 on a CPU, 40000 on a GPU]')
    parser.add_argument('--out', type=Path, default=Path('adapted'), help='folder [adapted]')
    return parser.parse_args()


class Told:
    """Lines that are printed and kept."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, *lines: str) -> None:
        """Print some lines."""
        for line in lines:
            print(line, flush=True)
            self.lines.append(line)


def classes_of(args: argparse.Namespace, labels: list[Any], tell: Told) -> Any:
    """Return the `classes` of a mapping file: the person's own, or those proposed."""
    if args.classes is not None:
        ClassMapping.from_file(args.classes)
        tell(f'classes: as {args.classes} says')
        return json.loads(args.classes.read_text(encoding='utf-8'))['classes']
    values = look_at_labels(labels)
    kind = 'colours' if values.is_coloured else 'ids'
    tell(f'labels: {len(values.shares)} {kind} in {values.num_read} files')
    proposal = propose_classes(values)
    tell(*(f'classes: {line}' for line in proposal.lines))
    return proposal.classes


def lay_out_target(args: argparse.Namespace, target: Folder, layout: Layout, tell: Told) -> bool:
    """Link the target's images; say whether some of them are labelled."""
    if args.target_labels is None:
        lay_out(target.pictures, layout.target / 'images')
        return False
    pairs = pair_up(target.pictures, look_into(args.target_labels).pictures)
    labelled = [image for image, _ in pairs.pairs]
    paths = {image.path for image in labelled}
    others = [picture for picture in target.pictures if picture.path not in paths]
    is_enough = len(others) >= _LEAST_TARGET
    lay_out(others if is_enough else target.pictures, layout.target / 'images')
    lay_out(labelled, layout.target / 'val_images')
    lay_out([label for _, label in pairs.pairs], layout.target / 'val_labels')
    use = 'kept out of the adaptation' if is_enough else 'adapted to as well: there are few others'
    tell(f'target labels: {len(labelled)} pairs, tested on and {use}', *pairs.lines)
    return True


def min_pixels_of(layout: Layout, size: Choice, target: tuple[int, int]) -> Choice:
    """Choose how much of a rare class an image has to show, from the converted labels."""
    statistics = json.loads((layout.source / STATS_FILE).read_text(encoding='utf-8'))
    suggested = suggest_min_pixels(statistics)
    factor = size.value[0] * size.value[1] / (target[0] * target[1])
    value = max(10, round(suggested * min(1.0, factor)))
    reason = f'0.15 % of a label are {suggested} pixels; as many of an image brought to that size'
    return Choice('min_pixels', value, reason)


def main() -> None:
    """Look, choose, write."""
    args = parse_args()
    tell, layout = Told(), Layout(args.out.absolute())
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    max_iters = args.iterations or _ITERATIONS[device]
    if max_iters < 1:
        raise UserError(f'--iterations: expected 1 or more, got {max_iters}')

    for folder in (*args.source, args.target, args.target_labels):
        if folder is not None and is_within(folder, layout.root / 'data'):
            raise UserError(f'{folder} lies where --out {args.out} is written: give another --out')
    source, labels = map(look_into, args.source)
    target = look_into(args.target)
    for folder, what in ((source, 'source'), (labels, 'labels'), (target, 'target')):
        tell(*described(folder, what))
    pairs = pair_up(source.pictures, labels.pictures)
    tell(f'labels: {len(pairs.pairs)} pairs, by {pairs.how}')
    tell(*(f'labels: {line}' for line in pairs.lines))
    paired_labels = [label for _, label in pairs.pairs]
    classes = classes_of(args, paired_labels, tell)

    lay_out([image for image, _ in pairs.pairs], layout.source / 'images')
    lay_out(paired_labels, layout.source / 'labels')
    has_val = lay_out_target(args, target, layout, tell)
    mapping = write_mapping(classes, layout.mapping)
    run_tool('convert_datasets.custom', layout.source, str(layout.mapping))
    if has_val:
        of_val = layout.root / 'val_classes.json'
        write_mapping(classes, of_val, 'val_images', 'val_labels')
        run_tool('convert_datasets.custom', layout.target, str(of_val))

    typical = typical_size(target.pictures)
    size = choose_size(typical, device)
    has_weights = Path('pretrained/mit_b5.pth').is_file()
    every = [
        size,
        choose_crop(size.value, device),
        choose_encoder(has_weights, device),
        choose_entries(len(mapping.classes)),
        choose_margins(target.pictures),
        min_pixels_of(layout, size, typical_size(source.pictures)),
    ]
    tell(*(f'{choice.name}: {choice.value} ({choice.reason})' for choice in every))
    choices = {choice.name: choice for choice in every}
    for name, method in (('source_only', 'source-only'), ('adapt', args.method)):
        config = config_of_plan(layout, mapping, choices, method, max_iters, has_val)
        with atomic_path(layout.root / f'{name}.json') as path:
            path.write_text(json.dumps(config, indent=2) + '\n', encoding='utf-8')
    with atomic_path(layout.root / 'proposal.txt') as path:
        path.write_text(''.join(f'{line}\n' for line in tell.lines), encoding='utf-8')
    shown = args.out / 'adapt'
    print(
        f'\nlook through {shown}.json, then:\npython tools/train.py {shown}.json --work-dir {shown}'
        + ' --no-validate' * (not has_val)
    )


if __name__ == '__main__':
    run_cli(main)
