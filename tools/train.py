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

from mmseg.apis import set_random_seed, train_segmentor
from mmseg.apis.checks import RunUnderCheck, check_num_classes, check_run
from mmseg.apis.claim import claim_work_dir
from mmseg.apis.config import Config
from mmseg.apis.processes import join_processes
from mmseg.apis.run_datasets import build_run_dataset
from mmseg.apis.work_dir import config_text
from mmseg.core.runner import IterBasedRunner
from mmseg.core.settings import DistributionSettings, RunSettings
from mmseg.models import build_train_model
from mmseg.report import ReportHook
from mmseg.speed.heap import keep_freed_memory
from mmseg.utils.cli import run_cli
from mmseg.utils.command import how_to_go_on
from mmseg.utils.determinism import nondeterministic_operations
from mmseg.utils.distributed import done_by_first, rank, world_size
from mmseg.utils.environment import collect_env, git_revision
from mmseg.utils.logger import get_root_logger, log_to_file
from tools.train_options import parse_args, read_config


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
    args = parse_args(__doc__.splitlines()[0])
    cfg = read_config(args)
    with join_processes(args.gpu, DistributionSettings.of(cfg).backend) as device:
        train(cfg, args, device)


def start_of_run(work_dir: Path) -> str:
    """Return the time, which names a run's logs; a second that another run has is waited out."""
    while True:
        timestamp = time.strftime('%Y%m%d_%H%M%S')
        if not (work_dir / f'{timestamp}.log').exists():
            return timestamp
        time.sleep(0.1)


def train(cfg: Config, args: argparse.Namespace, device: torch.device) -> None:
    """Train in this process, alone or with others; the first one writes."""
    if device.type == 'cpu':
        keep_freed_memory()
    timestamp = start_of_run(Path(cfg.work_dir))
    done_by_first(lambda: claim_work_dir(cfg, args.auto_resume, args.overwrite))
    dataset = build_run_dataset(cfg, cfg.data.train)
    text = config_text(cfg)
    log_file = Path(cfg.work_dir) / f'{timestamp}.log' if rank() == 0 else None
    logger = get_root_logger(log_file, RunSettings.of(cfg).log_level)
    environment = collect_env()
    lines = '\n'.join(f'{name}: {value}' for name, value in environment.items())
    log_to_file(logger, f'environment:\n{lines}')
    log_to_file(logger, f'config {args.config}:\n{text}')
    processes = f', {world_size()} processes' if world_size() > 1 else ''
    logger.info(f'work dir {cfg.work_dir}, device {device}{processes}, seed {cfg.seed}')
    set_random_seed(cfg.seed, cfg.deterministic)
    if not args.no_check:
        check_num_classes(cfg, dataset)
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
        hooks=[ReportHook()],
    )
    report_end(runner, cfg)


if __name__ == '__main__':
    run_cli(main)
