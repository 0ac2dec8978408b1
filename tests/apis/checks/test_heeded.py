import pytest

from mmseg.apis.checks.heeded import settings_are_heeded
from tests.apis.checks.runs import run_of


def messages(folder, **changes):
    run = run_of(folder)
    run.cfg.merge_from_dict(changes)
    return [f'{finding.severity}: {finding.message}' for finding in settings_are_heeded(run)]


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'use_ddp_wrapper': False}, 'use_ddp_wrapper=False makes no difference'),
        (
            {'n_gpus': 4},
            'n_gpus=4 makes no difference: 1 process(es) train; sh tools/',
        ),
        ({'gpu_ids': [0, 1]}, 'gpu_ids=[0, 1] makes no difference: 1 process(es) train'),
        (
            {'resume_from': 'a.pth', 'load_from': 'b.pth'},
            "load_from='b.pth' makes no difference: the run goes on with the weights of a.pth",
        ),
        (
            {'optimizer.paramwise_cfg': {'custom_keys': {'heads': {'lr_mult': 10.0}}}},
            'optimizer.paramwise_cfg.custom_keys.heads makes no difference: no parameter has it',
        ),
    ],
)
def test_settings_are_heeded__those_that_are_not_are_said(tmp_path, changes, message):
    (said,) = messages(tmp_path, **changes)
    assert said.startswith(f'warning: {message}')


@pytest.mark.parametrize(
    'changes',
    [
        {},
        {'find_unused_parameters': True, 'use_ddp_wrapper': True, 'n_gpus': 1, 'gpu_ids': [0]},
        {'load_from': 'b.pth'},
        {
            'optimizer.paramwise_cfg': {
                'custom_keys': {
                    'head': {'lr_mult': 10.0},
                    'pos_block': {'decay_mult': 0.0},
                    'norm': {'decay_mult': 0.0},
                }
            }
        },
    ],
)
def test_settings_are_heeded__published_configs_are_passed_without_a_word(tmp_path, changes):
    assert messages(tmp_path, **changes) == []
