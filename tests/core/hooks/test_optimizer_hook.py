import pytest
import torch

from mmseg.core.hooks import GradientCumulativeOptimizerHook, OptimizerHook
from mmseg.core.optimizer_step import OptimizerStep
from mmseg.utils.errors import UserError
from tests.core.hooks.training import TinySegmentor, TinySelfTraining, make_runner, train


class MeasuresOnly(TinySegmentor):
    """Leaves the step to the hook, as segmentors do."""

    def train_step(self, batch, optimizer):
        loss = self.conv(batch['img']).float().square().mean() / 64
        return {'loss': loss, 'log_vars': {'loss': 1.0}, 'num_samples': len(batch['img'])}


def trained(tmp_path, hook, amp=None, num_iters=3):
    return train(make_runner(MeasuresOnly(), tmp_path, num_iters, [hook], amp=amp))


def test_optimizer_hook__learns(tmp_path):
    start = make_runner(MeasuresOnly(), tmp_path).model.conv.weight
    assert not torch.equal(trained(tmp_path, OptimizerHook()).model.conv.weight, start)


@pytest.mark.parametrize('amp', [None, 'fp16'])
def test_optimizer_hook__clips_the_norm_of_the_plain_gradients(tmp_path, amp):
    runner = trained(tmp_path, OptimizerHook({'max_norm': 0.01}), amp, num_iters=1)
    gradients = torch.cat([p.grad.flatten() for p in runner.model.parameters()])
    torch.testing.assert_close(gradients.norm(), torch.tensor(0.01), rtol=1e-2, atol=0)
    runner.log_buffer.average()
    assert runner.log_buffer.output['grad_norm'] > 0.01


def test_gradient_cumulative_hook__steps_once_a_window(tmp_path):
    weights = [
        trained(tmp_path / str(n), GradientCumulativeOptimizerHook(3), num_iters=n)
        .model.conv.weight.detach()
        .clone()
        for n in (3, 4)
    ]
    runner = make_runner(MeasuresOnly(), tmp_path)
    start = runner.model.conv.weight.detach().clone()
    # AdamW moves every weight by its rate once, and decays it by a thousandth.
    assert torch.allclose((weights[0] - start).abs(), torch.tensor(0.1), atol=5e-3)
    assert not torch.equal(*weights)  # the fourth makes a window of its own


class StepsByItself(TinySelfTraining):
    """Takes its steps as adaptation methods do."""

    optimizer_step = OptimizerStep()

    def train_step(self, batch, optimizer):
        self.seen = self.optimizer_step.grad_clip, self.optimizer_step.cumulative_iters
        return super().train_step(batch, optimizer)


def test_optimizer_hook__a_model_that_steps_itself_gets_the_settings(tmp_path):
    hook = GradientCumulativeOptimizerHook(2, {'max_norm': 3})
    runner = train(make_runner(StepsByItself(), tmp_path, 1, [hook]))
    assert runner.model.seen == ({'max_norm': 3, 'norm_type': 2}, 2)


def test_optimizer_hook__a_model_that_steps_without_heeding_it_is_told(tmp_path):
    train(make_runner(TinySegmentor(), tmp_path / 'plain', 1, [OptimizerHook()]))
    with pytest.raises(UserError, match='TinySegmentor takes its optimizer steps without heeding'):
        train(make_runner(TinySegmentor(), tmp_path, 1, [OptimizerHook({'max_norm': 1})]))


def test_optimizer_hook__anomalous_parameters_are_looked_for_in_one_loss_only(tmp_path):
    hook = OptimizerHook(detect_anomalous_params=True)
    with pytest.raises(UserError, match='detect_anomalous_params is for training without uda'):
        train(make_runner(StepsByItself(), tmp_path, 1, [hook]))
