import pytest
import torch

from mmseg.core.fingerprint import check_alike, fingerprint
from mmseg.utils.distributed import rank
from mmseg.utils.errors import UserError
from tests.processes import run_processes


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16, torch.int64, torch.bool])
def test_fingerprint__sees_a_single_bit_in_any_type(dtype):
    tensor = torch.zeros(3, 5, dtype=dtype)
    changed = tensor.clone()
    changed[2, 4] = 1
    assert fingerprint([tensor]) == fingerprint([tensor.clone()])
    assert fingerprint([tensor]) != fingerprint([changed])
    assert -(2**63) <= fingerprint([changed]) < 2**63


def test_fingerprint__looks_at_values_not_at_their_order_in_memory():
    tensor = torch.arange(24.0).reshape(1, 2, 3, 4)
    assert fingerprint([tensor]) == fingerprint([tensor.to(memory_format=torch.channels_last)])
    assert fingerprint([tensor]) != fingerprint([tensor.flip(0, 1)])
    assert fingerprint([torch.tensor(1.0), torch.zeros(0)]) != fingerprint([torch.tensor(2.0)])


def one_drifts():
    state = {'model.weight': torch.ones(2), 'instance.bank.features': torch.zeros(3, 2)}
    check_alike(state, 'cpu', 0)
    state['instance.bank.features'][0, 0] = 1e-30 * (rank() == 2)
    with pytest.raises(UserError) as caught:
        check_alike(state, 'cpu', 7)
    return str(caught.value)


def test_check_alike__every_process_names_what_differs_and_where():
    messages = run_processes(3, one_drifts)
    expected = 'drifted apart by iteration 7: instance of process 2 differ from those of process 0'
    assert all(expected in message for message in messages)
