"""What terms are promised: their moments, their draws, their names."""

import pytest
import torch
from torch import nn

from mmseg.models import TERMS, build_train_model
from mmseg.models.uda import Term
from mmseg.utils.errors import UserError
from tests.models.uda.test_dacs import INSTANCE, batch, build, config, gradients, sgd


@TERMS.register_module()
class Noisy(Term):
    """Says something at every moment; its own pass draws, and so does dropout in it."""

    def __init__(self, student, weight=0.0):
        super().__init__(student)
        self.weight, self.asked = weight, []

    def start(self, step):
        self.asked.append('start')

    def source_losses(self, step, source):
        self.asked.append('source_losses')
        return {f'{self.name}.source_loss': self.weight * source.logits.square().mean()}

    def observe_source(self, step, embedding):
        assert not embedding.requires_grad
        self.asked.append('observe_source')

    def weak_view(self, step, img):
        self.asked.append('weak_view')
        return img

    def adjust_probs(self, step, probs):
        self.asked.append('adjust_probs')
        return probs

    def mixed_losses(self, step, mixed):
        self.asked.append('mixed_losses')
        return {f'{self.name}.mixed_loss': self.weight * mixed.logits.square().mean()}

    def own_pass(self, step):
        self.asked.append('own_pass')
        noise = torch.randn(step.img.shape, generator=self.draws(step))
        losses, _ = step.measure(step.target_img + noise, step.pseudo_label[:, None])
        return {f'{self.name}.{name}': self.weight * value for name, value in losses.items()}


class Silent(Noisy):
    def own_pass(self, step):
        return {'share': step.pseudo_weight.mean()}


class Loud(Noisy):
    def mixed_losses(self, step, mixed):
        return {'mix.decode.loss_seg': mixed.logits.mean()}


class Stranger(nn.Module):
    def __init__(self, student):
        super().__init__()


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    for kind in (Silent, Loud, Stranger):
        monkeypatch.setitem(TERMS.module_dict, kind.__name__, kind)


def with_dropout(**uda):
    settings = config(instance=INSTANCE, **uda)
    settings['model']['decode_head']['dropout_ratio'] = 0.5
    torch.manual_seed(0)
    dacs = build_train_model(settings)
    dacs.init_weights()
    return dacs.train()


def test_terms__are_asked_in_the_order_of_the_moments():
    dacs = build(terms=[{'type': 'Noisy'}])
    dacs.train_step(batch(), sgd(dacs))
    moments = [name for name in vars(Term) if name in vars(Noisy) and name != '__init__']
    assert dacs.terms['Noisy'].asked == [name for name in moments if name[0] != '_']


def test_terms__leave_draws_and_losses_of_others_as_they_are_bit_for_bit():
    runs = []
    for terms in ([], [{'type': 'Noisy'}], [{'type': 'Noisy', 'name': 'a'}, {'type': 'Noisy'}]):
        dacs = with_dropout(terms=terms)
        torch.manual_seed(5)
        steps = [dict(dacs.train_step(batch(2, i), sgd(dacs))['log_vars']) for i in range(3)]
        runs.append((steps, torch.get_rng_state()))
    (plain, state), *others = runs
    for steps, other_state in others:
        assert torch.equal(state, other_state)
        for ours, theirs in zip(steps, plain, strict=True):
            assert {name: ours[name] for name in theirs} == theirs


def test_terms__each_has_a_stream_of_its_own():
    terms = [{'type': 'Noisy', 'weight': 1.0, 'name': name} for name in ('a', 'b')]
    alone, both = (with_dropout(terms=some) for some in (terms[1:], terms))
    values = [dict(dacs.train_step(batch(), sgd(dacs))['log_vars']) for dacs in (alone, both)]
    name = 'decode.loss_seg'
    assert values[0][f'b.{name}'] == values[1][f'b.{name}'] != values[1][f'a.{name}']


def test_terms__their_losses_pull_at_the_student():
    plain, pulled = build(), build(terms=[{'type': 'Noisy', 'weight': 3.0}])
    for dacs in (plain, pulled):
        dacs.print_grad_magnitude = True
        values = dacs.train_step(batch(), sgd(dacs))['log_vars']
    assert values['grad_norm_after_Noisy'] > 0
    pairs = zip(gradients(plain), gradients(pulled), strict=True)
    assert not all(torch.allclose(ours, theirs) for ours, theirs in pairs)


def test_terms__the_published_settings_are_terms_in_short():
    steps = []
    for uda in ({'instance': INSTANCE}, {'terms': [{'type': 'InstanceLevel', **INSTANCE}]}):
        dacs = build(**uda)
        optimizer = sgd(dacs, lr=0.1)
        steps.append([dict(dacs.train_step(batch(2, i), optimizer)['log_vars']) for i in range(4)])
        assert [*dacs.terms] == ['feature_distance', 'instance']
    assert steps[0] == steps[1] and 'mix.loss_instance' in steps[0][-1]
    distance = {'type': 'FeatureDistance', 'weight': 0.1, 'classes': [2]}
    assert build(terms=[distance]).feature_distance.weight == 0.1


@pytest.mark.parametrize(
    ('terms', 'message'),
    [
        ([{'type': 'Noisy'}] * 2, r"two terms 'Noisy': take one out, or give it another name"),
        ([{'type': 'Noisy', 'name': 'model'}], r"can not have the name 'model'"),
        ([{'type': 'Noisy', 'name': 'a.b'}], r"can not have the name 'a\.b'"),
        ([{'type': 'Nois'}], r"no term of adaptation 'Nois'; did you mean 'Noisy'"),
        ([{'type': 'Noisy', 'wait': 1}], r"Noisy has no setting 'wait'"),
        ([{'type': 'Stranger'}], r'Stranger is no mmseg\.models\.uda\.Term'),
        ([{'type': 'Noisy', 'student': None}], r'student is the network that learns'),
    ],
)
def test_terms__what_can_not_be_built_is_said(terms, message):
    with pytest.raises(UserError, match=message):
        build(terms=terms)


@pytest.mark.parametrize(
    ('kind', 'message'),
    [
        ('Silent', r"the term Silent gave no loss of its own pass, but \['share'\]"),
        ('Loud', r"the term Loud gives 'mix\.decode\.loss_seg', which the step has already"),
    ],
)
def test_train_step__a_term_that_breaks_its_promise_is_named(kind, message):
    dacs = build(terms=[{'type': kind}])
    with pytest.raises(UserError, match=message):
        dacs.train_step(batch(), sgd(dacs))


def test_try_source__asks_for_the_sources_losses_alone():
    dacs = build(terms=[{'type': 'Noisy'}])
    data = batch()
    dacs.try_source(data['img'], data['img_metas'], data['gt_semantic_seg'])
    assert dacs.terms['Noisy'].asked == ['source_losses']
    assert all(p.grad is None for p in dacs.model.parameters())
