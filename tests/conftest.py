"""What holds for all tests."""

import os

# Tests that run beside each other, and the processes that they start, take one core each.
if 'PYTEST_XDIST_WORKER' in os.environ:
    os.environ.setdefault('OMP_NUM_THREADS', '1')
