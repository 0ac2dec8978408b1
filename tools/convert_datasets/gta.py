"""Convert GTA's labels to train ids: python tools/convert_datasets/gta.py data/gta --nproc 8"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mmseg.core.evaluation.class_names import CITYSCAPES_ID_TO_TRAIN_ID
from mmseg.datasets.conversion_arguments import argument_parser, say_elsewhere
from mmseg.datasets.image_io import read_label
from mmseg.datasets.label_conversion import convert_labels, labels_beside_images
from mmseg.utils.cli import run_cli


def main() -> None:
    """Convert the labels of the folder that the command line names."""
    args = argument_parser(__doc__, label_dir='labels').parse_args()
    files = labels_beside_images(args.root, args.label_dir, 'images', args.out_dir)
    convert_labels(
        files, read_label, CITYSCAPES_ID_TO_TRAIN_ID, args.out_dir or args.root, args.nproc
    )
    say_elsewhere(args.out_dir, args.label_dir)


if __name__ == '__main__':
    run_cli(main)
