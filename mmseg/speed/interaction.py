"""The equations of the dual-level interaction in their lean forms: tiles, and Triton on GPUs."""

from torch import nn

from mmseg.models.uda.instance_level import InstanceLevel
from mmseg.models.uda.interaction import Equations
from mmseg.ops import lean_instance_loss, lean_smooth_probs

LEAN = Equations(lean_smooth_probs, lean_instance_loss)


def compute_leanly(model: nn.Module) -> None:
    """Let the instance level in a model, if there is one, compute its equations in lean forms."""
    for module in model.modules():
        if isinstance(module, InstanceLevel):
            module.equations = LEAN
