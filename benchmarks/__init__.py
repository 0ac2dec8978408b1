"""What `tools/benchmark.py` measures, and the plain implementations it can measure against."""

import mmseg  # noqa: F401  It quietens mmcv, which the modules here import.
