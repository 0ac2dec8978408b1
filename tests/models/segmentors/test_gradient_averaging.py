"""Two backward passes, one average."""

import copy

import torch
from torch import nn

from mmseg.models.segmentors.gradient_averaging import AveragesGradients
from mmseg.utils.distributed import own_part, world_size
from tests.processes import run_processes


class Line(AveragesGradients):
    """A network with a pass, and a part that is used outside of it, as auxiliary heads are."""

    def __init__(self):
        super().__init__()
        self.slope, self.extra = nn.Linear(3, 1), nn.Linear(1, 1)

    def run_pass(self, x):
        return self.slope(x)


def gradients(distribute):
    """Two passes of a global batch of six, their gradients added up."""
    torch.manual_seed(0)
    line = Line()
    first, second = (own_part(torch.randn(6, 3)) for _ in range(2))
    if distribute:
        line.average_gradients()
    found = []
    for _ in range(2):
        line.zero_grad(set_to_none=True)
        with line.local_gradients():
            line.extra(line.averaged_pass(first)).square().mean().backward()
        found.append(line.slope.weight.grad.flatten().tolist())
        line.extra(line.averaged_pass(second)).exp().mean().backward()
        found.append([value for p in line.parameters() for value in p.grad.flatten().tolist()])
    return found


def test_average_gradients__passes_add_up_to_the_gradient_of_the_global_batch():
    (expected,) = run_processes(1, gradients, False)
    for number in (2, 3):
        found = run_processes(number, gradients, True)
        for own in found:
            for step in (1, 3):
                torch.testing.assert_close(own[step], expected[step])
        assert all(own[0] != expected[0] for own in found)


def state_is_that_of_the_network():
    line = Line()
    line.average_gradients()
    assert world_size() == 2
    return list(line.state_dict()), list(copy.deepcopy(Line()).state_dict())


def test_average_gradients__leaves_the_state_dict_alone():
    for names, plain in run_processes(2, state_is_that_of_the_network):
        assert names == plain
