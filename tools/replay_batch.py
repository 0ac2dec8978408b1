"""Repeat the training step that a run stopped at because it was not finite, and say where it broke.

python tools/replay_batch.py WORK_DIR/non_finite/iter_N_rank_R.pth [--gpu N]
"""

import argparse
import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from torch import nn

from mmseg.apis.config import Config
from mmseg.apis.optimizer import build_optimizer
from mmseg.apis.plugins import add_plugins_option, check_consent, import_plugins
from mmseg.core.adaptation import AdaptationMethod, computing_in
from mmseg.core.checkpoint import load_state_dict, read_checkpoint
from mmseg.core.hooks.iteration_seed_hook import dropout_seed
from mmseg.core.precision import Precision
from mmseg.core.settings import TrainingSettings
from mmseg.models import build_train_model
from mmseg.speed.interaction import compute_leanly
from mmseg.utils.cli import run_cli
from mmseg.utils.environment import choose_device
from mmseg.utils.errors import UserError


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('file', help='what the run saved in non_finite/')
    parser.add_argument('--gpu', type=int, help='index of a GPU [the first, else the CPU]')
    add_plugins_option(parser)
    parser.add_argument(
        '--trust-checkpoint', action='store_true', help='load one that may run code'
    )
    return parser.parse_args()


@contextlib.contextmanager
def watched(model: nn.Module, found: list[str]) -> Iterator[None]:
    """Note in `found` the modules whose output is not finite, in the order of their calls."""

    def watch(name: str) -> Callable[..., None]:
        def look(_module: nn.Module, _inputs: Any, output: Any) -> None:
            if not _is_finite(output):
                found.append(name)

        return look

    handles = [m.register_forward_hook(watch(n)) for n, m in model.named_modules() if n]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def replay(
    content: Mapping[str, Any], path: str, device: torch.device, plugins: Sequence[str] = ()
) -> Iterator[str]:
    """Repeat a step and yield lines that say what was not finite.

    Args:
        content: What the run saved: 'batch', 'state_dict' before the step, and 'meta' with the
            config, the seed, the iteration and the process's rank.
        path: The file, for messages.
        device: Where to compute.
        plugins: Modules to import; those that the file asks for must be among them.

    Yields:
        The batch's images, the values of the losses, the first module and the gradients that are
        not finite.
    """
    meta, batch = content['meta'], _moved(content['batch'], device)
    cfg = Config(json.loads(meta['config']))
    check_consent(cfg, plugins, path)
    import_plugins(cfg, plugins)
    model = build_train_model(cfg)
    if isinstance(model, AdaptationMethod):
        model.match_state(content['state_dict'])
    load_state_dict(model, content['state_dict'], path)
    # Networks stay as they are written, so that modules can be named; similarities of every entry
    # and pixel might not fit into memory.
    compute_leanly(model)
    model.to(device).train()
    optimizer = build_optimizer(model, cfg.optimizer)
    torch.manual_seed(dropout_seed(meta['seed'], meta['iter'], meta['rank']))
    for key, metas in batch.items():
        if key.endswith('img_metas'):
            yield f'{key}: ' + ', '.join(str(each.get('filename')) for each in metas)
    broken: list[str] = []
    precision = Precision(TrainingSettings.of(cfg).amp, device)
    with watched(model, broken), computing_in(precision, model):
        outputs = model.train_step(batch, optimizer)
    if 'loss' in outputs:
        outputs['loss'].backward()
    yield from (f'{name}: {value:.6g}' for name, value in outputs['log_vars'].items())
    yield f'first module whose output is not finite: {broken[0] if broken else "none"}'
    named = [
        n for n, p in model.named_parameters() if p.grad is not None and not _is_finite(p.grad)
    ]
    yield f'gradients that are not finite: {len(named)}' + f', first {named[0]}' * bool(named)


def _is_finite(value: Any) -> bool:
    if isinstance(value, torch.Tensor):
        return not value.is_floating_point() or bool(value.isfinite().all())
    if isinstance(value, Mapping):
        return all(map(_is_finite, value.values()))
    return not isinstance(value, list | tuple) or all(map(_is_finite, value))


def _moved(value: Any, device: torch.device) -> Any:
    if isinstance(value, torch.Tensor):
        return value.to(device)
    if isinstance(value, dict):
        return {key: _moved(item, device) for key, item in value.items()}
    return [_moved(item, device) for item in value] if isinstance(value, list) else value


def main() -> None:
    """Repeat the step."""
    args = parse_args()
    device = choose_device(args.gpu)
    content = read_checkpoint(args.file, args.trust_checkpoint)
    if 'batch' not in content or 'config' not in content.get('meta', {}):
        raise UserError(f"{args.file} holds no batch: give a file of a run's non_finite/ folder")
    for line in replay(content, args.file, device, args.plugins):
        print(line)


if __name__ == '__main__':
    run_cli(main)
