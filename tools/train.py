"""Train one config.

python tools/train.py CONFIG [--work-dir DIR] [--gpu N] [--seed S] [--options key=value …]
sh tools/dist_train.sh CONFIG N ...     the same with N processes
"""

import argparse
import shlex
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmseg.apis import load_config, set_random_seed, train_segmentor
from mmseg.apis.checks import RunUnderCheck, check_run
from mmseg.apis.claim import claim_work_dir
from mmseg.apis.config import Config
from mmseg.apis.processes import join_processes
from mmseg.apis.run_datasets import build_run_dataset, stopping_at_unreadable
from mmseg.apis.work_dir import config_text, default_work_dir
from mmseg.core.runner import IterBasedRunner
from mmseg.models import build_train_model
from mmseg.utils.cli import run_cli
from mmseg.utils.command import how_to_go_on
from mmseg.utils.determinism import nondeterministic_operations
from mmseg.utils.distributed import done_by_first, rank, world_size
from mmseg.utils.environment import collect_env, git_revision
from mmseg.utils.heap import keep_freed_memory
from mmseg.utils.logger import get_root_logger, log_to_file


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
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
    return parser.parse_args()


def read_config(args: argparse.Namespace) -> Config:
    """Read the config and let the command line have the last word."""
    cfg = load_config(args.config, args.options)
    cfg.work_dir = str(args.work_dir or cfg.get('work_dir') or default_work_dir(args.config))
    cfg.seed = args.seed if args.seed is not None else cfg.get('seed') or 0
    cfg.resume_from = args.resume_from or cfg.get('resume_from')
    cfg.load_from = args.load_from or cfg.get('load_from')
    cfg.deterministic = args.deterministic or cfg.get('deterministic', False)
    if args.strict:
        cfg.data.train = stopping_at_unreadable(cfg.data.train)
    return cfg


def report_end(runner: IterBasedRunner, cfg: Config) -> None:
    """Say how to go on with a run that was stopped, and what was not repeatable."""
    if runner.is_stopped:
        runner.logger.info(f'stopped after iteration {runner.iter} of {runner.max_iters}; go on:')
        log_to_file(runner.logger, how_to_go_on())
        if rank() == 0:
            print(how_to_go_on(), flush=True)
    if cfg.deterministic:
        names = ', '.join(nondeterministic_operations()) or 'none'
        runner.logger.info(f'operations that could not be made deterministic: {names}')


def main() -> None:
    """Train."""
    args = parse_args()
    cfg = read_config(args)
    with join_processes(args.gpu, cfg.get('dist_params')) as device:
        train(cfg, args, device)


def train(cfg: Config, args: argparse.Namespace, device: torch.device) -> None:
    """Train in this process, alone or with others; the first one writes."""
    if device.type == 'cpu':
        keep_freed_memory()
    timestamp = time.strftime('%Y%m%d_%H%M%S')
    done_by_first(lambda: claim_work_dir(cfg, args.auto_resume, args.overwrite))
    dataset = build_run_dataset(cfg, cfg.data.train)
    text = config_text(cfg)
    log_file = Path(cfg.work_dir) / f'{timestamp}.log' if rank() == 0 else None
    logger = get_root_logger(log_file, cfg.get('log_level', 'INFO'))
    environment = collect_env()
    lines = '\n'.join(f'{name}: {value}' for name, value in environment.items())
    log_to_file(logger, f'environment:\n{lines}')
    log_to_file(logger, f'config {args.config}:\n{text}')
    processes = f', {world_size()} processes' if world_size() > 1 else ''
    logger.info(f'work dir {cfg.work_dir}, device {device}{processes}, seed {cfg.seed}')
    set_random_seed(cfg.seed, cfg.deterministic)
    model = build_train_model(cfg)
    model.init_weights()
    if not args.no_check:
        check_run(RunUnderCheck(cfg, dataset, model, device, not args.no_validate))
    meta = {
        'seed': cfg.seed,
        'config': text,
        'git_revision': git_revision(),
        'command': shlex.join(['python', *sys.orig_argv[1:]]),
        'device': str(device),
        'environment': environment,
    }
    runner = train_segmentor(
        model,
        dataset,
        cfg,
        validate=not args.no_validate,
        timestamp=timestamp,
        meta=meta,
        device=device,
        auto_resume=args.auto_resume,
        trust_checkpoint=args.trust_checkpoint,
        overwrite=args.overwrite,
    )
    report_end(runner, cfg)


if __name__ == '__main__':
    run_cli(main)
