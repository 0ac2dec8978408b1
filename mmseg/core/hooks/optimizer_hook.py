"""The optimizer step of models that leave it to the training loop."""

from mmcv.runner import HOOKS
from mmcv.runner import OptimizerHook as MMCVOptimizerHook

from mmseg.core.guarded_step import step_if_finite


@HOOKS.register_module(force=True)
class OptimizerHook(MMCVOptimizerHook):
    """Backpropagate `outputs['loss']` and step, unless something is not finite; mmcv's name.

    Args:
        grad_clip: Arguments of `clip_grad_norm_`, or None.
        detect_anomalous_params: Whether parameters that the loss does not depend on are logged.
    """

    def after_train_iter(self, runner) -> None:
        outputs = runner.outputs
        runner.optimizer.zero_grad()
        if self.detect_anomalous_params:
            self.detect_anomalous_parameters(outputs['loss'], runner)
        outputs['loss'].backward()
        if self.grad_clip is not None:
            norm = self.clip_grads(runner.model.parameters())
            runner.log_buffer.update({'grad_norm': float(norm)}, outputs['num_samples'])
        outputs['has_stepped'] = step_if_finite(runner.optimizer, outputs['log_vars']['loss'])
