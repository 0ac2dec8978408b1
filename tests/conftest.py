"""What holds for all tests."""

import os

import pytest

from .wheel import Installed, build_wheel, files_of_checkout

# Tests that run beside each other, and the processes that they start, take one core each.
if 'PYTEST_XDIST_WORKER' in os.environ:
    os.environ.setdefault('OMP_NUM_THREADS', '1')


@pytest.fixture(scope='session')
def wheel(tmp_path_factory):
    """A wheel of this checkout."""
    return build_wheel(files_of_checkout(), tmp_path_factory.mktemp('wheel'))


@pytest.fixture
def installed(wheel, tmp_path):
    """The wheel in an environment of its own, outside the checkout."""
    return Installed(wheel, tmp_path)
