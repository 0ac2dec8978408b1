"""The command line of a training, and the config that it comes to."""

import argparse
from pathlib import Path

from mmseg.apis import load_config
from mmseg.apis.config import Config, check_trainable
from mmseg.apis.plugins import add_plugins_option, import_plugins, recorded_plugins
from mmseg.apis.run_datasets import stopping_at_unreadable
from mmseg.apis.work_dir import CONFIG_NAME, default_work_dir
from mmseg.core.settings import CheckpointSettings, RunSettings


def parse_args(description: str) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument('config', help='a .py or .json config')
    parser.add_argument('--work-dir', help='where logs and checkpoints go [work_dirs/CONFIG]')
    parser.add_argument('--gpu', type=int, help='index of a GPU [the first, else the CPU]')
    parser.add_argument('--seed', type=int, help="seed of the run [the config's, else 0]")
    parser.add_argument('--resume-from', help='checkpoint to continue from')
    parser.add_argument(
        *('--resume', '--auto-resume'),
        dest='auto_resume',
        action='store_true',
        help='continue from the newest whole checkpoint in the work dir, if there is one',
    )
    parser.add_argument(
        '--overwrite', action='store_true', help='remove the run that the work dir holds'
    )
    parser.add_argument('--load-from', help='checkpoint to take the first weights from')
    parser.add_argument(
        *('--except', '--load-except'),
        dest='load_except',
        action='append',
        metavar='PART',
        help='entries that --load-from leaves out, decode_head.conv_seg for example; repeatable',
    )
    parser.add_argument('--no-validate', action='store_true', help='do not evaluate')
    parser.add_argument(
        '--no-check',
        action='store_true',
        help='leave out the look at data, classes, a first batch and room on the disk before it',
    )
    parser.add_argument(
        '--trust-checkpoint', action='store_true', help='load checkpoints that may run code'
    )
    parser.add_argument(
        '--deterministic', action='store_true', help='use repeatable algorithms, name the others'
    )
    parser.add_argument('--strict', action='store_true', help='stop at an unreadable image')
    parser.add_argument(
        '--options', nargs='+', default=[], metavar='KEY=VALUE', help='changes to the config'
    )
    add_plugins_option(parser)
    return parser.parse_args()


def read_config(args: argparse.Namespace) -> Config:
    """Read the config and let the command line have the last word."""
    cfg = load_config(args.config, args.options, args.plugins)
    check_trainable(cfg)
    run, start = RunSettings.of(cfg), CheckpointSettings.of(cfg)
    cfg.work_dir = str(args.work_dir or run.work_dir or default_work_dir(args.config))
    cfg.seed = run.seed if args.seed is None else args.seed
    cfg.resume_from = args.resume_from or start.resume_from
    if cfg.resume_from or args.auto_resume:
        resumed = Path(cfg.resume_from).parent if cfg.resume_from else Path(cfg.work_dir)
        import_plugins(cfg, recorded=recorded_plugins(resumed / CONFIG_NAME))
    cfg.load_from = args.load_from or start.load_from
    cfg.load_except = args.load_except or start.load_except
    cfg.deterministic = args.deterministic or run.deterministic
    if args.strict:
        cfg.data.train = stopping_at_unreadable(cfg.data.train)
    return cfg
