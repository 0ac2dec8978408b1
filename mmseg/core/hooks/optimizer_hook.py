"""The optimizer step of models that leave it to the training loop."""

from mmcv.runner import HOOKS
from mmcv.runner import OptimizerHook as MMCVOptimizerHook

from mmseg.core.deferred_numbers import DeferredNumbers


@HOOKS.register_module(force=True)
class OptimizerHook(MMCVOptimizerHook):
    """Backpropagate `outputs['loss']` and step, unless something is not finite; mmcv's name.

    Args:
        grad_clip: Arguments of `clip_grad_norm_`, or None.
        detect_anomalous_params: Whether parameters that the loss does not depend on are logged.
    """

    def after_train_iter(self, runner) -> None:
        outputs, precision = runner.outputs, runner.precision
        runner.optimizer.zero_grad(set_to_none=True)
        if self.detect_anomalous_params:
            self.detect_anomalous_parameters(outputs['loss'], runner)
        precision.backward(outputs['loss'])
        if self.grad_clip is not None:
            precision.unscale_(runner.optimizer)
            norm = self.clip_grads(runner.model.parameters())
            numbers = DeferredNumbers(['grad_norm'], norm[None])
            runner.log_buffer.update(numbers, outputs['num_samples'])
        numbers = outputs['log_vars']
        is_deferred = isinstance(numbers, DeferredNumbers)
        loss = numbers.tensor('loss') if is_deferred else numbers['loss']
        outputs['has_stepped'] = precision.step(runner.optimizer, loss)
