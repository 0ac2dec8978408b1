import pytest
import torch

from mmseg.core.hooks import OptimizerHook
from tests.core.hooks.training import TinySegmentor, make_runner, train


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
