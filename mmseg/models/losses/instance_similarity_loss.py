"""The instance loss (DIDA, section 3.2)."""

import torch

from mmseg.ops import instance_loss, similarity_scores


def instance_similarity_loss(
    weak_embedding: torch.Tensor,
    strong_embedding: torch.Tensor,
    teacher_probs: torch.Tensor,
    bank_features: torch.Tensor,
    bank_labels: torch.Tensor,
    form: str = 'sum',
    temperature: float = 1.0,
) -> torch.Tensor:
    """Compute −Σ_N q̂ log(q_s + 1e-10), averaged over the pixels, without λ_I.

    The target q̂ is the teacher's similarity to the bank, weighed by its class prediction; q_s is
    the student's similarity. Embeddings smaller than `teacher_probs` are brought to its size in
    row strips. Always in float32, also under autocast; only `strong_embedding` receives a gradient.

    Args:
        weak_embedding: The teacher's embedding of the weak view (B, D, h, w), ≥ 0 for form 'sum'.
        strong_embedding: The student's embedding of the mixed image (B, D, h, w).
        teacher_probs: Class probabilities (B, C, H, W), H ≥ h and W ≥ w.
        bank_features: Bank entries (N, D).
        bank_labels: Their classes (N,) in [0, C).
        form: 'sum' (published code) or 'softmax' (paper).
        temperature: Divisor of the cosines, form 'softmax' only.

    Returns:
        Scalar.

    Raises:
        ValueError: The form is unknown or the channel counts differ.
    """
    with torch.autocast(strong_embedding.device.type, enabled=False):
        bank = bank_features.detach().float()
        with torch.no_grad():
            weak = similarity_scores(weak_embedding.float(), bank, form, temperature)
        strong = similarity_scores(strong_embedding.float(), bank, form, temperature)
        return instance_loss(weak, strong, teacher_probs.detach().float(), bank_labels, form)
