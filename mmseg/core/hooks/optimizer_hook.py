"""What `optimizer_config` names: how the gradients of iterations become optimizer steps."""

from collections.abc import Mapping
from typing import Any

from mmcv.runner import HOOKS
from mmcv.runner import OptimizerHook as MMCVOptimizerHook
from torch import nn

from mmseg.core.adaptation import AdaptationMethod
from mmseg.core.deferred_numbers import DeferredNumbers
from mmseg.core.optimizer_step import OptimizerStep
from mmseg.utils.errors import UserError


@HOOKS.register_module(force=True)
class OptimizerHook(MMCVOptimizerHook):
    """Backpropagate `outputs['loss']` and step, unless something is not finite; mmcv's name.

    An `AdaptationMethod` that has an `optimizer_step` is handed the settings and does the rest.

    Args:
        grad_clip: `max_norm` and `norm_type` of the norm that gradients are clipped to, or None.
        detect_anomalous_params: Whether parameters that the loss does not depend on are logged.
    """

    def __init__(
        self, grad_clip: Mapping[str, Any] | None = None, detect_anomalous_params: bool = False
    ) -> None:
        super().__init__(grad_clip, detect_anomalous_params)
        self.optimizer_step = OptimizerStep(grad_clip)

    def before_run(self, runner) -> None:
        runner.take_steps_by(self.optimizer_step)
        if _takes_its_steps(runner.model):
            if self.detect_anomalous_params:
                raise UserError(
                    'optimizer_config.detect_anomalous_params is for training without uda, which '
                    'has one loss a step'
                )
            runner.model.optimizer_step = self.optimizer_step

    def after_train_iter(self, runner) -> None:
        outputs, precision, step = runner.outputs, runner.precision, self.optimizer_step
        if _takes_its_steps(runner.model):
            return
        if 'loss' not in outputs:
            self._leave_it_to(runner.model)
            return
        step.start(runner.optimizer)
        if self.detect_anomalous_params:
            self.detect_anomalous_parameters(outputs['loss'], runner)
        precision.backward(step.share(outputs['loss']))
        numbers = outputs['log_vars']
        is_deferred = isinstance(numbers, DeferredNumbers)
        loss = numbers.tensor('loss') if is_deferred else numbers['loss']
        outputs['has_stepped'] = step.finish(runner.optimizer, loss, precision)
        if step.grad_norm is not None:
            norm = DeferredNumbers(['grad_norm'], step.grad_norm[None])
            runner.log_buffer.update(norm, outputs['num_samples'])

    def _leave_it_to(self, model: nn.Module) -> None:
        if not self.optimizer_step.is_plain:
            raise UserError(
                f'{type(model).__name__} takes its optimizer steps without heeding '
                'optimizer_config; let it be an AdaptationMethod with an optimizer_step, as DACS is'
            )


def _takes_its_steps(model: nn.Module) -> bool:
    return isinstance(model, AdaptationMethod) and model.optimizer_step is not None


@HOOKS.register_module(force=True)
class GradientCumulativeOptimizerHook(OptimizerHook):
    """Take one step for several iterations; mmcv's name.

    Args:
        cumulative_iters: Iterations to a step, whose losses are averaged.
        grad_clip: As for `OptimizerHook`; clips what the step follows.
        detect_anomalous_params: As for `OptimizerHook`.
    """

    def __init__(
        self,
        cumulative_iters: int = 1,
        grad_clip: Mapping[str, Any] | None = None,
        detect_anomalous_params: bool = False,
    ) -> None:
        super().__init__(grad_clip, detect_anomalous_params)
        self.optimizer_step = OptimizerStep(grad_clip, cumulative_iters)
