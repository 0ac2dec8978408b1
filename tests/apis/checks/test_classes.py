import re

import pytest
import torch
from torch import nn

from mmseg.apis.checks.classes import (
    check_num_classes,
    checkpoint_agrees_on_classes,
    heads_fit_classes,
    sets_agree_on_classes,
)
from mmseg.utils.errors import UserError
from tests.apis.checks.runs import built, config_of, data_of, messages, run_of
from tests.apis.tiny import CLASSES


@pytest.mark.parametrize('uda', [False, True])
def test_heads_fit_classes__nothing_is_said_where_they_do(tmp_path, uda):
    assert messages(heads_fit_classes, run_of(tmp_path, uda)) == []


@pytest.mark.parametrize('num_classes', [1, 4, 6, 19])
@pytest.mark.parametrize('uda', [False, True])
def test_heads_fit_classes__both_counts_and_the_setting_are_named(tmp_path, num_classes, uda):
    things = {'uda__imnet_feature_dist_lambda': 0} if uda else {}
    run = run_of(tmp_path, uda, model__decode_head__num_classes=num_classes, **things)
    (said,) = messages(heads_fit_classes, run)
    assert said.startswith(f'model.decode_head.num_classes is {num_classes} and the data set has 5')
    assert '(road, sidewalk, building, pole, sky)' in said
    assert said.endswith('set model.decode_head.num_classes=5')


@pytest.mark.parametrize('num', [1, 3, 19])
def test_heads_fit_classes__auxiliary_heads_count_too(tmp_path, num):
    run = run_of(tmp_path)
    run.model.auxiliary_head = nn.ModuleList([nn.Identity(), nn.Identity()])
    run.model.auxiliary_head[0].num_classes = 5
    run.model.auxiliary_head[1].num_classes = num
    (said,) = messages(heads_fit_classes, run)
    assert said.startswith(f'model.auxiliary_head[1].num_classes is {num} and the data set has 5')


@pytest.mark.parametrize('num', [1, 3, 19])
def test_check_num_classes__every_head_of_a_config_is_compared(tmp_path, num):
    run = data_of(tmp_path)
    check_num_classes(run.cfg, run.dataset)
    right = dict(run.cfg.model.decode_head)
    wrong = {**right, 'num_classes': num}
    for heads, name in (
        ({'decode_head': wrong}, 'decode_head'),
        ({'decode_head': right, 'auxiliary_head': wrong}, 'auxiliary_head'),
        ({'decode_head': right, 'auxiliary_head': [right, wrong]}, 'auxiliary_head[1]'),
    ):
        run.cfg.model = heads
        expected = re.escape(f'model.{name}.num_classes is {num} and the data set has 5 classes')
        with pytest.raises(UserError, match=expected):
            check_num_classes(run.cfg, run.dataset)


@pytest.mark.parametrize('num', [1, 4, 6])
def test_heads_fit_classes__a_weight_is_needed_for_each_class(tmp_path, num):
    run = run_of(tmp_path)
    run.model.decode_head.loss_decode.class_weight = [1.0] * 5
    assert messages(heads_fit_classes, run) == []
    run.model.decode_head.loss_decode.class_weight = [1.0] * num
    (said,) = messages(heads_fit_classes, run)
    assert said == (
        f'model.decode_head.loss_decode.class_weight has {num} numbers for 5 classes: give one a '
        'class'
    )


OTHERS = {
    'fewer': CLASSES[:4],
    'more': [*CLASSES, 'car'],
    'another order': [CLASSES[1], CLASSES[0], *CLASSES[2:]],
    'another name': [*CLASSES[:4], 'heaven'],
}


@pytest.mark.parametrize('kind', OTHERS)
@pytest.mark.parametrize('name', ['val', 'test'])
def test_sets_agree_on_classes__number_names_and_order(tmp_path, name, kind):
    cfg = config_of(tmp_path)
    cfg.data[name].update(classes=OTHERS[kind], palette=None, extra_means={})
    (said,) = messages(sets_agree_on_classes, built(cfg, with_model=False))
    assert said.startswith('classes differ: ') and f'data.{name} (CustomDataset)' in said
    assert 'data.train (CustomDataset)' in said


@pytest.mark.parametrize('name', ['val', 'test'])
def test_sets_agree_on_classes__only_a_warning_where_nothing_is_evaluated(tmp_path, name):
    cfg = config_of(tmp_path)
    cfg.data[name].update(classes=CLASSES[:4], palette=None, extra_means={})
    run = built(cfg, validate=False, with_model=False)
    said = messages(sets_agree_on_classes, run, 'warning')
    assert len(said) == (name == 'test')  # the validation set is not even built


@pytest.mark.parametrize('where', ['dataset', 'step'])
@pytest.mark.parametrize('name', ['val', 'test', 'train'])
def test_sets_agree_on_classes__label_0_means_the_same_everywhere(tmp_path, name, where):
    cfg = config_of(tmp_path)
    if where == 'dataset' or name != 'train':
        cfg.data[name].reduce_zero_label = True
    else:
        cfg.data.train.pipeline[1].reduce_zero_label = True
    said = messages(sets_agree_on_classes, built(cfg, with_model=False))
    ours, others = (True, ('val', 'test')) if name == 'train' else (False, (name,))
    assert said == [
        f'reduce_zero_label is {ours} in data.train and {not ours} in data.{other}: labels would '
        f'differ by one; set data.{other}.reduce_zero_label={ours}'
        for other in others
    ]


@pytest.mark.parametrize('uda', [False, True])
def test_sets_agree_on_classes__nothing_is_said_where_they_do(tmp_path, uda):
    assert messages(sets_agree_on_classes, data_of(tmp_path, uda)) == []


def test_sets_agree_on_classes__a_test_set_that_is_not_there_hinders_no_training(tmp_path):
    run = data_of(tmp_path, data__test__img_dir='nowhere')
    assert messages(sets_agree_on_classes, run) == []


@pytest.mark.parametrize('legacy', [False, True])
@pytest.mark.parametrize('kind', OTHERS)
def test_checkpoint_agrees_on_classes__names_are_compared(tmp_path, kind, legacy):
    path = tmp_path / 'c.pth'
    content = {'meta': {'CLASSES': tuple(OTHERS[kind])}, 'state_dict': {'a': torch.zeros(1)}}
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    resumed = messages(checkpoint_agrees_on_classes, data_of(tmp_path, resume_from=str(path)))
    assert len(resumed) == 1 and f'the checkpoint {path} (resume_from)' in resumed[0]
    loaded = messages(
        checkpoint_agrees_on_classes, data_of(tmp_path, load_from=str(path)), 'warning'
    )
    # of another number loading tells, and how to take what fits
    assert len(loaded) == (1 if kind.startswith('another') else 0)


@pytest.mark.parametrize('meta', [{'CLASSES': CLASSES}, {}, {'CLASSES': None}, None])
def test_checkpoint_agrees_on_classes__one_that_agrees_or_is_silent_is_passed(tmp_path, meta):
    path = tmp_path / 'c.pth'
    torch.save({'meta': meta, 'state_dict': {'a': torch.zeros(1)}}, path)
    run = data_of(tmp_path, resume_from=str(path), load_from=str(path))
    assert messages(checkpoint_agrees_on_classes, run) == []


@pytest.mark.parametrize('key', ['load_from', 'resume_from'])
def test_checkpoint_agrees_on_classes__one_that_is_not_there_is_an_error(tmp_path, key):
    with pytest.raises(UserError, match=r'no checkpoint file at gone\.pth'):
        list(checkpoint_agrees_on_classes(data_of(tmp_path, **{key: 'gone.pth'})))


def test_checkpoint_agrees_on_classes__a_damaged_one_is_left_to_loading(tmp_path):
    (tmp_path / 'c.pth').write_bytes(b'no weights')
    run = data_of(tmp_path, load_from=str(tmp_path / 'c.pth'))
    assert messages(checkpoint_agrees_on_classes, run) == []
