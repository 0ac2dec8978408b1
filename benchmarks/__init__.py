"""What `tools/benchmark.py` measures, and the plain implementations it can measure against."""
