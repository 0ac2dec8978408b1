"""Look at a run before it is trained: its data, classes, a first batch, room for its files.

python tools/check.py CONFIG [--work-dir DIR] [--options key=value …]

Training does the same before its first iteration. Nothing is written.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmseg.apis import load_config, set_random_seed
from mmseg.apis.checks import RunUnderCheck, check_num_classes, check_run
from mmseg.apis.checks.parts import parts_can_be_built
from mmseg.apis.config import Config, check_trainable
from mmseg.apis.plugins import add_plugins_option
from mmseg.apis.run_datasets import build_run_dataset
from mmseg.apis.work_dir import default_work_dir
from mmseg.core.settings import CheckpointSettings, RunSettings
from mmseg.models import build_train_model
from mmseg.utils.cli import run_cli
from mmseg.utils.environment import choose_device


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('config', help='a .py or .json config')
    parser.add_argument('--work-dir', help='where the run would write [work_dirs/CONFIG]')
    parser.add_argument('--gpu', type=int, help='index of a GPU [the first, else the CPU]')
    parser.add_argument('--resume-from', help='checkpoint that the run would continue from')
    parser.add_argument('--load-from', help='checkpoint that it would take weights from')
    parser.add_argument('--no-validate', action='store_true', help='it would not evaluate')
    parser.add_argument(
        '--options', nargs='+', default=[], metavar='KEY=VALUE', help='changes to the config'
    )
    add_plugins_option(parser)
    return parser.parse_args()


def read_config(args: argparse.Namespace) -> Config:
    """Read the config as training with the same options would."""
    cfg = load_config(args.config, args.options, args.plugins)
    check_trainable(cfg)
    run, start = RunSettings.of(cfg), CheckpointSettings.of(cfg)
    cfg.work_dir = str(args.work_dir or run.work_dir or default_work_dir(args.config))
    cfg.seed = run.seed
    cfg.resume_from = args.resume_from or start.resume_from
    cfg.load_from = args.load_from or start.load_from
    return cfg


def main() -> None:
    """Check."""
    args = parse_args()
    cfg = read_config(args)
    device = choose_device(args.gpu)
    dataset = build_run_dataset(cfg, cfg.data.train)
    set_random_seed(cfg.seed)
    check_num_classes(cfg, dataset)
    model = build_train_model(cfg)
    model.init_weights()
    run = RunUnderCheck(cfg, dataset, model, device, not args.no_validate)
    check_run(run, more=[parts_can_be_built])
    print(f'{args.config}: nothing stands in the way of training')


if __name__ == '__main__':
    run_cli(main)
