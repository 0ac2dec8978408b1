"""The equations of the dual-level interaction in their lean forms: tiles, and Triton on GPUs."""

from mmseg.models.uda.interaction import Equations
from mmseg.ops import lean_instance_loss, lean_smooth_probs

LEAN = Equations(lean_smooth_probs, lean_instance_loss)
