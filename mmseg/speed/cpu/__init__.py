"""Layers that are quicker on a CPU than PyTorch's own, and the kernels behind them."""
