"""Whether a network is being exported: ONNX has no open sizes for some of PyTorch's operators."""

import torch


def is_exported() -> bool:
    """Say whether an exporter looks on, whose graph is for other runtimes and open sizes."""
    return torch.compiler.is_exporting() or torch.jit.is_tracing()
