"""What the compiled Triton kernels take of a GPU: registers, spills and shared memory.

python benchmarks/kernel_resources.py [--entries 300] [--classes 19] [--cells 128] [--pixels 512]

Kernels are compiled for GPUs that need not be there, with arguments of a training step. NVIDIA's
assembler, which comes with Triton, tells what each takes.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.backends.nvidia.compiler import get_ptxas

from mmseg.ops import instance_loss_kernels as kernels
from mmseg.ops import instance_loss_triton as launcher

# Compute capabilities: A100, RTX 4090 and L4, H100, B200.
ARCHITECTURES = (80, 89, 90, 100)
_TYPES = {
    'labels': '*i64',
    'eps': 'fp32',
    **dict.fromkeys(('row_lower', 'column_lower', 'row_first', 'column_first'), '*i32'),
}
_ALIGNED = [['tt.divisibility', 16]]


@dataclass(frozen=True)
class Sizes:
    """What a step of training gives to the kernels; the defaults are the paper's.

    Attributes:
        num_entries: Bank entries N.
        num_classes: C.
        num_cells: Rows, and columns, of the embedding.
        num_pixels: Rows, and columns, of the crop.
        batch: Images B.
    """

    num_entries: int = 300
    num_classes: int = 19
    num_cells: int = 128
    num_pixels: int = 512
    batch: int = 2


@dataclass(frozen=True)
class Resources:
    """What one program of a kernel takes.

    Attributes:
        kernel: Its name, with the form of similarity.
        architecture: Compute capability times ten.
        registers: Of a thread, of 255 at most.
        spilled: Bytes of a thread that go to memory for want of registers, stores and loads.
        shared: Bytes of shared memory.
        threads: Threads of a program.
    """

    kernel: str
    architecture: int
    registers: int
    spilled: int
    shared: int
    threads: int


def kernel_resources(architecture: int, sizes: Sizes | None = None) -> list[Resources]:
    """Compile all kernels for a GPU.

    Args:
        architecture: Compute capability times ten, 90 for an H100.
        sizes: Those of the step.

    Returns:
        What each kernel takes.

    Raises:
        subprocess.CalledProcessError: The assembler refuses a kernel.
    """
    sizes = sizes or Sizes()
    tile = {'CELLS': launcher._CELLS, 'ENTRIES': launcher._ENTRIES}
    reach = launcher._axis(sizes.num_cells, sizes.num_pixels, torch.device('cpu')).reach
    whole = {**tile, 'REACH_Y': reach, 'REACH_X': reach}
    variants = {
        'gradient, sum': (kernels.gradient_kernel, {'SOFTMAX': False, **whole}),
        'gradient, softmax': (kernels.gradient_kernel, {'SOFTMAX': True, **whole}),
        'statistics, softmax': (kernels.statistics_kernel, tile),
    }
    return [
        _resources(name, kernel, constants, architecture, sizes)
        for name, (kernel, constants) in variants.items()
    ]


def spilled_bytes(said: str) -> int:
    """Add up the stores and loads for want of registers that the assembler tells of."""
    return sum(int(size) for size in re.findall(r'(\d+) bytes spill', said))


def _resources(
    name: str, kernel: Any, constants: Mapping[str, Any], architecture: int, sizes: Sizes
) -> Resources:
    numbers = _numbers(sizes)
    signature, aligned = {}, {}
    for place, argument in enumerate(kernel.arg_names):
        if argument in constants:
            signature[argument] = 'constexpr'
            continue
        other = 'i32' if argument in numbers else '*fp32'
        signature[argument] = _TYPES.get(argument, other)
        # As the launcher tells the compiler: PyTorch aligns memory, numbers speak for themselves.
        if argument != 'eps' and numbers.get(argument, 0) % 16 == 0:
            aligned[(place,)] = _ALIGNED
    values = {(kernel.arg_names.index(key),): value for key, value in constants.items()}
    source = triton.compiler.ASTSource(kernel, signature, values, aligned)
    compiled = triton.compile(source, target=GPUTarget('cuda', architecture, 32))
    said = _assembler_says(compiled.asm['ptx'], architecture)
    return Resources(
        name,
        architecture,
        registers=int(_found(r'Used (\d+) registers', said)),
        spilled=spilled_bytes(said),
        shared=compiled.metadata.shared,
        threads=32 * compiled.metadata.num_warps,
    )


def _numbers(sizes: Sizes) -> dict[str, int]:
    """Return the whole numbers of a launch, those of the first band of rows."""
    row_values = sizes.batch * sizes.num_cells * sizes.num_entries
    start, stop = next(launcher._bands(sizes.num_cells, row_values))
    return {
        'num_entries': sizes.num_entries,
        'num_classes': sizes.num_classes,
        'num_rows': sizes.num_cells,
        'num_columns': sizes.num_cells,
        'height': sizes.num_pixels,
        'width': sizes.num_pixels,
        'first_row': start,
        'num_own_rows': stop - start,
        'first_read': start,
        'num_read': min(stop + 1, sizes.num_cells) - start,
    }


def _assembler_says(ptx: str, architecture: int) -> str:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / 'kernel.ptx'
        file.write_text(ptx, encoding='utf-8')
        gpu = _found(r'^\.target (\w+)', ptx)
        command = [get_ptxas(architecture).path, '--verbose', f'--gpu-name={gpu}', file]
        command += ['--output-file', file.with_suffix('.cubin')]
        return subprocess.run(command, capture_output=True, text=True, check=True).stderr


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text, re.MULTILINE)
    assert match is not None, f'{pattern} is not in: {text[:500]}'
    return match[1]


def main() -> None:
    """Print a line for each kernel and GPU."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    published = Sizes()
    for name, size in vars(published).items():
        option = f'--{name.removeprefix("num_")}'
        parser.add_argument(option, dest=name, type=int, default=size, help=f'[{size}]')
    sizes = Sizes(**vars(parser.parse_args()))
    print(f'{"kernel":<22}{"GPU":>7}{"registers":>11}{"spilled":>9}{"shared":>8}{"threads":>9}')
    for architecture in ARCHITECTURES:
        for it in kernel_resources(architecture, sizes):
            gpu = f'sm_{it.architecture}'
            print(
                f'{it.kernel:<22}{gpu:>7}{it.registers:>11}{it.spilled:>9}{it.shared:>8}'
                f'{it.threads:>9}'
            )


if __name__ == '__main__':
    main()
