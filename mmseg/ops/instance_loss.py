"""The instance loss without its full-size tensors.

B images, N bank entries, C classes, h×w score size, H×W label size. Written plainly the loss needs
several tensors of shape (B, N, H, W). Here the scores stay at h×w; a few rows at a time are
upsampled, turned into loss and gradient while they are in cache, and the gradient is brought back
to h×w by the transpose of the upsampling, all in the forward pass.
"""

from typing import Any

import torch

from .resize import linear_matrix
from .row_strips import row_strips
from .similarity import normalize_scores, positive_sum

LOG_EPS = 1e-10


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
    weak_scores: torch.Tensor,
    strong_scores: torch.Tensor,
    teacher_probs: torch.Tensor,
    bank_labels: torch.Tensor,
    form: str = 'sum',
) -> torch.Tensor:
    """Compute the instance loss in row strips; only `strong_scores` receives a gradient.

    Args:
        weak_scores: Scores of the teacher's embedding (B, N, h, w) float32.
        strong_scores: Scores of the student's embedding (B, N, h, w) float32.
        teacher_probs: Class probabilities (B, C, H, W) float32.
        bank_labels: Classes of the bank entries (N,) in [0, C).
        form: 'sum' or 'softmax'.

    Returns:
        Scalar like `instance_loss_reference` on bilinearly upsampled scores.
    """
    return _InstanceLoss.apply(weak_scores, strong_scores, teacher_probs, bank_labels, form)


class _InstanceLoss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        weak_scores: torch.Tensor,
        strong_scores: torch.Tensor,
        teacher_probs: torch.Tensor,
        bank_labels: torch.Tensor,
        form: str,
    ) -> torch.Tensor:
        num_pixels = teacher_probs[:, 0].numel()
        # Entries last: sums over them read memory in order.
        weak, strong, probs = (
            t.permute(0, 2, 3, 1).contiguous() for t in (weak_scores, strong_scores, teacher_probs)
        )
        strip_loss = _softmax_strip if form == 'softmax' else _sum_strip
        total = strong.new_zeros((), dtype=torch.float64)
        grad = torch.zeros_like(strong)
        for image in range(len(weak)):
            total += _image_loss(
                weak[image], strong[image], probs[image], bank_labels, grad[image], strip_loss
            )
        ctx.save_for_backward(grad.permute(0, 3, 1, 2).div_(num_pixels))
        return (total / num_pixels).to(strong_scores.dtype)

    @staticmethod
    def backward(ctx: Any, grad_output: torch.Tensor) -> Any:
        (grad,) = ctx.saved_tensors
        return None, grad * grad_output, None, None, None


def _image_loss(weak, strong, probs, bank_labels, grad, strip_loss) -> torch.Tensor:
    """Add up the loss of one image's strips and write its gradient (h, w, N) into `grad`."""
    size, columns = probs.shape[:2], strong.shape[1]
    narrow = linear_matrix(columns, size[1], strong.device).T.contiguous()
    total = strong.new_zeros((), dtype=torch.float64)
    for weak_strip, strip in zip(row_strips(weak, size), row_strips(strong, size), strict=True):
        gathered = probs[strip.lines].index_select(-1, bank_labels)
        loss, strip_grad = strip_loss(weak_strip.values, strip.values, gathered)
        total += loss
        weight, flat = strip.weight[None], strip_grad.flatten(1)
        for row, share in ((strip.lower, 1 - weight), (strip.upper, weight)):
            grad[row] += narrow @ (share @ flat).reshape(size[1], -1)
    return total


def _sum_strip(weak, strong, gathered) -> tuple[torch.Tensor, torch.Tensor]:
    """Return loss (summed over pixels) and gradient of a strip (R, W, N), form 'sum'."""
    target = weak.mul_(gathered)
    target /= positive_sum(target, -1)
    divisor = positive_sum(strong, -1)
    # A pixel whose embedding is zero has no direction to move in: no gradient.
    inverse = torch.where(divisor > torch.finfo(divisor.dtype).tiny, divisor.reciprocal(), 0)
    prediction = (strong / divisor).add_(LOG_EPS)
    ratio = target / prediction
    loss = -torch.dot(target.flatten(), prediction.log_().flatten())
    mean_ratio = (ratio * strong).sum(-1, keepdim=True).mul_(inverse)
    return loss, ratio.neg_().add_(mean_ratio).mul_(inverse)


def _softmax_strip(weak, strong, gathered) -> tuple[torch.Tensor, torch.Tensor]:
    """Return loss (summed over pixels) and gradient of a strip (R, W, N), form 'softmax'."""
    target = weak.softmax(-1).mul_(gathered)
    target /= positive_sum(target, -1)
    prediction = strong.softmax(-1)
    shifted = prediction + LOG_EPS
    ratio = target / shifted
    loss = -torch.dot(target.flatten(), shifted.log_().flatten())
    mean_ratio = (ratio * prediction).sum(-1, keepdim=True)
    return loss, ratio.neg_().add_(mean_ratio).mul_(prediction)
