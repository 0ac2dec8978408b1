"""The kernels compile for every GPU in use, and none takes so much that it would slow down."""

import pytest

resources = pytest.importorskip('benchmarks.kernel_resources', reason='Triton is not installed')

# Of 255 that a thread can have: four programs of 128 threads share a multiprocessor.
MOST_REGISTERS = 128
# Of the 48 KiB that a program has without asking for more.
MOST_SHARED = 4096


@pytest.mark.parametrize('architecture', resources.ARCHITECTURES)
def test_kernel_resources__at_published_sizes_nothing_spills(architecture):
    found = resources.kernel_resources(architecture)
    assert len(found) == 3
    for kernel in found:
        assert kernel.spilled == 0, kernel
        assert 0 < kernel.registers <= MOST_REGISTERS, kernel
        assert 0 < kernel.shared <= MOST_SHARED, kernel


def test_kernel_resources__nor_with_a_bank_of_a_multiple_of_16():
    # The compiler is told of it, and reads several entries at once.
    found = resources.kernel_resources(90, resources.Sizes(num_entries=1200))
    assert not any(kernel.spilled for kernel in found)


def test_spilled_bytes__counts_stores_and_loads():
    said = """ptxas info    : Function properties for gradient_kernel
    8 bytes stack frame, 20 bytes spill stores, 24 bytes spill loads
ptxas info    : Used 96 registers, used 1 barriers, 8 bytes cumulative stack size"""
    assert resources.spilled_bytes(said) == 44
