import pytest

from mmseg.apis.checks.heeded import settings_are_heeded
from mmseg.models.uda.instance_bank import InstanceBank
from tests.apis.checks.runs import messages, run_of


def said_of(folder, **changes):
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
    (said,) = said_of(tmp_path, **changes)
    assert said.startswith(f'warning: {message}')


@pytest.mark.parametrize(('num_entries', 'says'), [(7, True), (9, False)])
def test_settings_are_heeded__a_bank_of_a_file_has_its_own_size(tmp_path, num_entries, says):
    InstanceBank(9, 16, 5).save(tmp_path / 'bank')
    settings = {'bank_file': str(tmp_path / 'bank'), 'num_entries': num_entries}
    options = {f'uda__instance__{key}': value for key, value in settings.items()}
    said = messages(settings_are_heeded, run_of(tmp_path, uda=True, **options), 'warning')
    expected = 'uda.instance.num_entries=7 makes no difference: the bank in '
    assert len(said) == says and all(line.startswith(expected) for line in said)


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
    assert said_of(tmp_path, **changes) == []
