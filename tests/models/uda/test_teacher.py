import pytest
import torch
from torch import nn

from mmseg.models.uda.teacher import EMATeacher, ema_momentum
from tests.golden import load


def student():
    return nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Dropout(0.5))


@pytest.mark.parametrize(('alpha', 'key'), [(0.999, 'ema_alpha_999'), (0.99, 'ema_alpha_99')])
def test_momentum__equals_the_published_one(alpha, key):
    golden = load('self_training')
    momenta = [ema_momentum(int(t), alpha) for t in golden['ema_iter']]
    assert momenta == pytest.approx(golden[key].tolist())


def test_update__copies_the_student_first_and_follows_it_then():
    model = student()
    teacher = EMATeacher(model, alpha=0.75)
    weights = []
    for value in (8.0, 2.0, 2.0, 2.0, 2.0):
        nn.init.constant_(model[0].weight, value)
        teacher.update(model)
        weights.append(teacher.model[0].weight.flatten()[0].item())
    assert weights == pytest.approx([8, 5, 4, 3.5, 3.125])
    assert int(teacher.iteration) == 5


def test_update__copies_batch_statistics_first_and_leaves_the_teachers_alone_then():
    model = student()
    teacher = EMATeacher(model)
    for mean in (3, 7, 9):  # the first as pretrained weights would set it
        model[1].running_mean.fill_(mean)
        teacher.update(model)
        assert teacher.model[1].running_mean.tolist() == [3] * 4


def test_teacher__receives_no_gradient():
    teacher = EMATeacher(student())
    assert not any(p.requires_grad for p in teacher.model.parameters())


def test_set_mode__only_batch_norm_trains():
    teacher = EMATeacher(student())
    teacher.set_mode(student().train())
    assert [module.training for module in teacher.model] == [False, True, False]


def test_state_dict__a_resumed_teacher_goes_on_where_it_was():
    model, other = student(), student()
    teacher, resumed = EMATeacher(model, 0.9), EMATeacher(other, 0.9)
    for _ in range(4):
        teacher.update(model)
    resumed.load_state_dict(teacher.state_dict())
    resumed.model.load_state_dict(teacher.model.state_dict())
    nn.init.constant_(model[0].weight, 1.0)
    teacher.update(model)
    resumed.update(model)
    assert torch.equal(teacher.model[0].weight, resumed.model[0].weight)


@pytest.mark.parametrize('alpha', [-0.1, 1.0])
def test_init__momentum_out_of_range_is_refused(alpha):
    with pytest.raises(ValueError, match=r'alpha in \[0, 1\)'):
        EMATeacher(student(), alpha)
