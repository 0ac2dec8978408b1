import pytest
import torch

from mmseg.core.checkpoint import read_checkpoint, save_checkpoint
from mmseg.core.hooks import CheckpointHook, IterationSeedHook
from mmseg.utils.errors import UserError
from mmseg.utils.logger import get_root_logger
from tests.core.hooks.training import TinySegmentor, TinySelfTraining, make_runner, train


def hooks():
    return [IterationSeedHook(0), CheckpointHook(1)]


def weights(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


@pytest.mark.parametrize('stop', [1, 3])
def test_resume__ends_bit_for_bit_where_an_unbroken_run_ends(tmp_path, stop):
    whole = train(make_runner(TinySegmentor(), tmp_path / 'whole', 4, hooks()))
    resumed = make_runner(TinySegmentor(), tmp_path / 'resumed', 4, hooks())
    resumed.resume(str(tmp_path / 'whole' / f'iter_{stop}.pth'))
    assert resumed.iter == stop
    train(resumed)
    assert torch.equal(weights(whole.model), weights(resumed.model))


def test_resume__the_seed_hook_is_what_makes_it_exact(tmp_path):
    whole = train(make_runner(TinySegmentor(), tmp_path / 'whole', 4, [CheckpointHook(1)]))
    resumed = make_runner(TinySegmentor(), tmp_path / 'resumed', 4)
    resumed.resume(str(tmp_path / 'whole' / 'iter_1.pth'))
    torch.manual_seed(123)
    assert not torch.equal(weights(whole.model), weights(train(resumed).model))


def test_resume__weights_without_training_state_say_what_to_do(tmp_path):
    save_checkpoint(TinySegmentor(), tmp_path / 'weights.pth')
    with pytest.raises(UserError, match='--load-from'):
        make_runner(TinySegmentor(), tmp_path).resume(str(tmp_path / 'weights.pth'))


def test_resume__another_optimizer_is_named(tmp_path):
    runner = train(make_runner(TinySegmentor(), tmp_path, 1, hooks()))
    frozen = make_runner(TinySegmentor(), tmp_path / 'other', 2)
    frozen.optimizer = torch.optim.AdamW([frozen.model.conv.weight], lr=0.1)
    with pytest.raises(UserError, match='another optimizer'):
        frozen.resume(f'{runner.work_dir}/iter_1.pth')


@pytest.mark.parametrize(('batch', 'is_told'), [(6, False), (4, True)])
def test_resume__another_global_batch_is_told(tmp_path, capsys, batch, is_told):
    first = make_runner(TinySegmentor(), tmp_path, 1, hooks(), meta={'global_batch': 6})
    train(first)
    resumed = make_runner(TinySegmentor(), tmp_path, 2, meta={'global_batch': batch})
    get_root_logger()
    resumed.resume(str(tmp_path / 'iter_1.pth'))
    assert (f'with 6 images a step and goes on with {batch}' in capsys.readouterr().out) == is_told


def test_run__nothing_is_left_to_do_after_the_last_iteration(tmp_path):
    train(make_runner(TinySegmentor(), tmp_path, 2, hooks()))
    done = make_runner(TinySegmentor(), tmp_path, 2)
    done.resume(str(tmp_path / 'latest.pth'))
    before = weights(done.model).clone()
    assert train(done).iter == 2
    assert torch.equal(weights(done.model), before)


def test_save_checkpoint__meta_counts_finished_iterations_and_keeps_the_seed(tmp_path):
    train(make_runner(TinySegmentor(), tmp_path, 3, hooks(), meta={'seed': 7, 'config': '{}'}))
    meta = read_checkpoint(tmp_path / 'latest.pth')['meta']
    assert (meta['iter'], meta['seed'], meta['config']) == (3, 7, '{}')
    assert meta['CLASSES'] == ['road', 'sky']


def test_load_checkpoint__fills_the_student_of_a_self_training_model(tmp_path):
    source = train(make_runner(TinySegmentor(), tmp_path / 'source', 1, hooks()))
    runner = make_runner(TinySelfTraining(), tmp_path / 'adapt')
    teacher = weights(runner.model.ema_model).clone()
    runner.load_checkpoint(f'{source.work_dir}/latest.pth')
    assert torch.equal(weights(runner.model.model), weights(source.model))
    assert torch.equal(weights(runner.model.ema_model), teacher)
    assert runner.iter == 0


def test_amp__the_step_runs_under_autocast_and_the_weights_stay_float32(tmp_path):
    seen = []

    class Watching(TinySegmentor):
        def train_step(self, batch, optimizer):
            seen.append(self.conv(batch['img']).dtype)
            return super().train_step(batch, optimizer)

    runner = train(make_runner(Watching(), tmp_path, 1, amp='bf16'))
    assert seen == [torch.bfloat16]
    assert weights(runner.model).dtype == torch.float32


def test_amp__an_unknown_type_is_refused(tmp_path):
    with pytest.raises(UserError, match="got 'fp8'"):
        make_runner(TinySegmentor(), tmp_path, amp='fp8')
