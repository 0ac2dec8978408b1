"""The instance loss as one operation.

B images, N bank entries, C classes, D channels, h×w embedding size, H×W label size. Written plainly
the loss needs several tensors of shape (B, N, H, W); the operation goes over an image in tiles and
finds the gradient with respect to the h×w embedding in the same pass.
"""

from importlib.util import find_spec
from typing import Any

import torch

from .instance_loss_tiles import tiled_loss_and_gradient
from .similarity import Similarity

# Triton comes with PyTorch for CUDA; without it, and on other devices, tiles serve.
if torch.cuda.is_available() and find_spec('triton') is not None:
    from .instance_loss_triton import triton_loss_and_gradient as cuda_loss_and_gradient
else:
    cuda_loss_and_gradient = tiled_loss_and_gradient


def lean_instance_loss(
    weak_embedding: torch.Tensor,
    strong_embedding: torch.Tensor,
    teacher_probs: torch.Tensor,
    bank_features: torch.Tensor,
    bank_labels: torch.Tensor,
    similarity: Similarity,
) -> torch.Tensor:
    """Compute `interaction.instance_loss`; arguments, result and errors are the same.

    Sums are taken in float32 whatever the type of the inputs, also under autocast.

    Returns:
        Scalar float32.

    >>> sure, torn = torch.tensor([[1.0, 0.0], [1.0, 1.0]]).view(2, 1, 2, 1, 1)
    >>> entries, classes = torch.eye(2), torch.tensor([0, 1])
    >>> lean_instance_loss(sure, torn, sure, entries, classes, Similarity('sum'))
    tensor(0.6931)
    """
    with torch.autocast(strong_embedding.device.type, enabled=False):
        bank_features = bank_features.detach()
        weak, bank = similarity.factors(weak_embedding.detach(), bank_features)
        strong, _ = similarity.factors(strong_embedding, bank_features)
        inputs = (weak, strong, teacher_probs.detach(), bank.float(), bank_labels)
        return _InstanceLoss.apply(*inputs, similarity.form)


class _InstanceLoss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        weak: torch.Tensor,
        strong: torch.Tensor,
        probs: torch.Tensor,
        bank: torch.Tensor,
        labels: torch.Tensor,
        form: str,
    ) -> torch.Tensor:
        num_pixels = probs[:, 0].numel()
        compute = cuda_loss_and_gradient if strong.is_cuda else tiled_loss_and_gradient
        total, grad = compute(weak, strong, probs, bank, labels, form)
        ctx.save_for_backward(grad.div_(num_pixels))
        ctx.input_dtype = strong.dtype
        return (total / num_pixels).float()

    @staticmethod
    def backward(ctx: Any, grad_output: torch.Tensor) -> Any:
        (grad,) = ctx.saved_tensors
        return None, (grad * grad_output).to(ctx.input_dtype), None, None, None, None
