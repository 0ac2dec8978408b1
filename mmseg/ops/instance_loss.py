"""The instance loss as one operation, and as the formula it stands for.

B images, N bank entries, C classes, D channels, h×w embedding size, H×W label size. Written plainly
the loss needs several tensors of shape (B, N, H, W); the operation goes over an image in tiles and
finds the gradient with respect to the h×w embedding in the same pass.
"""

from importlib.util import find_spec
from typing import Any

import torch

from .instance_loss_tiles import LOG_EPS, tiled_loss_and_gradient
from .similarity import normalize_scores, positive_sum

# Triton comes with PyTorch for CUDA; without it, and on other devices, tiles serve.
if torch.cuda.is_available() and find_spec('triton') is not None:
    from .instance_loss_triton import triton_loss_and_gradient as cuda_loss_and_gradient
else:
    cuda_loss_and_gradient = tiled_loss_and_gradient


def instance_loss_reference(
    weak_scores: torch.Tensor,
    strong_scores: torch.Tensor,
    teacher_probs: torch.Tensor,
    bank_labels: torch.Tensor,
    form: str = 'sum',
) -> torch.Tensor:
    """Compute the instance loss as the paper writes it, with scores already at label size.

    Args:
        weak_scores: Scores of the teacher's embedding (B, N, H, W).
        strong_scores: Scores of the student's embedding (B, N, H, W).
        teacher_probs: Class probabilities (B, C, H, W).
        bank_labels: Classes of the bank entries (N,).
        form: 'sum' or 'softmax'.

    Returns:
        Scalar: mean over B·H·W of −Σ_N q̂ log(q_s + 1e-10), q̂ ∝ q_w ⊙ p_label (not detached).
    """
    target = normalize_scores(weak_scores, form) * teacher_probs[:, bank_labels]
    target = target / positive_sum(target, 1)
    prediction = normalize_scores(strong_scores, form)
    return -(target * torch.log(prediction + LOG_EPS)).sum(1).mean()


def instance_loss(
    weak_embedding: torch.Tensor,
    strong_embedding: torch.Tensor,
    teacher_probs: torch.Tensor,
    bank_features: torch.Tensor,
    bank_labels: torch.Tensor,
    form: str = 'sum',
) -> torch.Tensor:
    """Compute the instance loss of what `similarity_factors` returns.

    Scores are the dot products of embeddings and entries. Sums are taken in float32 whatever the
    type of the inputs; only `strong_embedding` receives a gradient.

    Args:
        weak_embedding: The teacher's embedding (B, D, h, w).
        strong_embedding: The student's embedding (B, D, h, w).
        teacher_probs: Class probabilities (B, C, H, W).
        bank_features: Entries (N, D).
        bank_labels: Their classes (N,) in [0, C).
        form: 'sum' or 'softmax'.

    Returns:
        Scalar float32 like `instance_loss_reference` on bilinearly upsampled scores.
    """
    return _InstanceLoss.apply(
        weak_embedding, strong_embedding, teacher_probs, bank_features.float(), bank_labels, form
    )


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
        with torch.autocast(strong.device.type, enabled=False):
            compute = cuda_loss_and_gradient if strong.is_cuda else tiled_loss_and_gradient
            total, grad = compute(weak, strong, probs, bank, labels, form)
        ctx.save_for_backward(grad.div_(num_pixels))
        ctx.input_dtype = strong.dtype
        return (total / num_pixels).float()

    @staticmethod
    def backward(ctx: Any, grad_output: torch.Tensor) -> Any:
        (grad,) = ctx.saved_tensors
        return None, (grad * grad_output).to(ctx.input_dtype), None, None, None, None
