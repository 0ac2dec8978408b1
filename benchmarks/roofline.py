"""What each phase of a training step computes and moves, and the least time that takes on a GPU.

python benchmarks/roofline.py [CONFIG] [--options KEY=VALUE …]

Nothing is computed: the step runs on tensors without values. An operator takes the longer of two
times: that for its floating-point operations at the GPU's peak, and that for reading what it is
given and writing what it returns, once. Caches apart, a step that runs operator by operator can't
be quicker. A compiler that joins operators can: what is between them is neither written nor read.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from benchmarks.fake_training import TrialTraining
from benchmarks.operations import operation_counter
from mmseg.apis import load_config
from mmseg.utils.cli import run_cli

B5 = 'configs/dida/gta2cs_dida_rcs001_cpl_daformer_sepaspp_mitb5_poly10warm_s0.py'
# Phase → the methods, by their owner's path from the model, whose work it is. What an inner method
# does counts for its phase alone.
_PHASES = {
    'teacher, update': ('teacher.update',),
    'teacher, forward': ('ema_model.forward_embedding',),
    'source, forward': ('_source_losses',),
    'mixed, forward': ('_learn_mixed',),
    'feature distance': ('feature_distance.source_losses',),
    'instance level': ('instance._observe', 'instance.smooth', 'instance.loss'),
}
_OTHER = 'views, labels'
# A pixel and an entry: two interpolations (24), the target, its share of the gradient, a logarithm.
_KERNEL_OPERATIONS = 40
# A pixel is visited by the owners of the four cells that it reads.
_VISITS = 4


@dataclass(frozen=True)
class GPU:
    """The maker's peak figures of a card, dense.

    Attributes:
        name: Its name.
        float32: Operations a second outside of tensor cores.
        bfloat16: Those of tensor cores, sums in float32.
        bandwidth: Bytes a second between memory and chip.
    """

    name: str
    float32: float
    bfloat16: float
    bandwidth: float


GPUS = (
    GPU('RTX 3090', 35.6e12, 71e12, 936e9),
    GPU('A100 80 GB SXM', 19.5e12, 312e12, 2039e9),
    GPU('H100 SXM', 66.9e12, 989e12, 3350e9),
)


@dataclass
class Work:
    """What a phase does.

    Attributes:
        operations: Floating-point operations of products, convolutions and attention.
        moved: Bytes that operators read and write.
        seconds: GPU → the least time.
    """

    operations: float = 0
    moved: float = 0
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(_names(), 0.0))

    def add(self, operations: float, moved: float, is_float32: bool) -> None:
        """Add an operator's work."""
        self.operations += operations
        self.moved += moved
        for gpu in GPUS:
            peak = gpu.float32 if is_float32 else gpu.bfloat16
            self.seconds[gpu.name] += max(operations / peak, moved / gpu.bandwidth)


class WorkByPhase(TorchDispatchMode):
    """Adds up what operators do, phase by phase.

    Attributes:
        work: Phase → what it does.
    """

    def __init__(self) -> None:
        super().__init__()
        self.work: dict[str, Work] = defaultdict(Work)
        self._formulas = operation_counter().flop_registry
        self._running = [_OTHER]

    def watch(self, training: TrialTraining) -> None:
        """Tell the phases of a training's steps apart from now on."""
        model: Any = training.model
        for phase, paths in _PHASES.items():
            for path in paths:
                *owners, method = path.split('.')
                owner = model
                for name in owners:
                    owner = getattr(owner, name, None)
                if owner is not None:
                    setattr(owner, method, self._within(phase, getattr(owner, method)))
        backward = model._backward
        model._backward = lambda losses, part: self._within(f'{part}, backward', backward)(
            losses, part
        )
        training.optimizer.step = self._within('optimizer', training.optimizer.step)

    def _within(self, phase: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            self._running.append(phase)
            try:
                return method(*args, **kwargs)
            finally:
                self._running.pop()

        return call

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run an operator and add its work to the phase."""
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        given, returned = _tensors((args, kwargs)), _tensors(result)
        if func.is_view or not given or not (returned or func._schema.is_mutable):
            return result
        formula = self._formulas.get(func._overloadpacket)
        operations = 0 if formula is None else formula(*args, **kwargs, out_val=result)
        written = _written(func, args, kwargs) if func._schema.is_mutable else returned
        is_float32 = not any(tensor.dtype == torch.bfloat16 for tensor in given)
        moved = sum(tensor.numel() * tensor.itemsize for tensor in [*given, *written])
        self.work[self._running[-1]].add(operations, moved, is_float32)
        return result


def step_work(training: TrialTraining) -> dict[str, Work]:
    """Return the work of each phase of a step of self-training, in the order in which they come."""
    training.prime()
    counter = WorkByPhase()
    counter.watch(training)
    with counter:
        training.step()
    _add_kernels(counter.work, training)
    return dict(counter.work)


def _add_kernels(work: Mapping[str, Work], training: TrialTraining) -> None:
    """Add what the instance loss's kernels do, which were left out."""
    bank = training.model.bank
    if bank is None or 'instance level' not in work:
        return
    images = training.batch['img']
    num_pixels = images.numel() // images.shape[1]
    num_scores = num_pixels // 16 * len(bank.labels)
    operations = _VISITS * _KERNEL_OPERATIONS * num_pixels * len(bank.labels)
    # Scores of both networks in, their gradient out; coefficients of the classes in.
    moved = 4 * (3 * num_scores + num_pixels * bank.num_classes)
    work['instance level'].add(operations, moved, is_float32=True)


def table(work: Mapping[str, Work]) -> str:
    """Return the phases as lines of a table in Markdown."""
    whole = Work()
    for part in work.values():
        whole.operations += part.operations
        whole.moved += part.moved
        for name, seconds in part.seconds.items():
            whole.seconds[name] += seconds
    lines = [
        f'| phase | TFLOP | GB moved | {" | ".join(f"{name}, ms" for name in _names())} |',
        f'| --- | --- | --- |{" --- |" * len(GPUS)}',
    ]
    for phase, part in {**work, 'all': whole}.items():
        times = ' | '.join(f'{1e3 * seconds:.1f}' for seconds in part.seconds.values())
        figures = f'{part.operations / 1e12:.2f} | {part.moved / 1e9:.1f}'
        lines.append(f'| {phase} | {figures} | {times} |')
    return '\n'.join(lines)


def _names() -> list[str]:
    return [gpu.name for gpu in GPUS]


def _tensors(tree: Any) -> list[torch.Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor)]


def _written(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[torch.Tensor]:
    """Return the arguments that an operator changes in place."""
    named = {it.name: it for it in func._schema.arguments}
    pairs = [*zip(named.values(), args, strict=False), *((named[k], v) for k, v in kwargs.items())]
    changed = [value for it, value in pairs if it.alias_info is not None and it.alias_info.is_write]
    return _tensors(changed)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', nargs='?', default=B5, help='with adaptation [the paper]')
    parser.add_argument('--options', nargs='+', default=[], metavar='KEY=VALUE')
    args = parser.parse_args()
    print(table(step_work(TrialTraining(load_config(args.config, args.options)))))


if __name__ == '__main__':
    run_cli(main)
