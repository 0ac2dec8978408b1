"""What an adaptation said of itself, against labels."""

import pytest
import torch

from mmseg.own_data.hindsight import Hindsight, look_back
from mmseg.own_data.telling import Told
from mmseg.selection.verdict import Verdict
from mmseg.utils.errors import UserError

PAID, NOT, UNKNOWN = (Verdict(answer, '', True) for answer in ('paid', 'did not pay', "can't tell"))


def test_hindsight__is_right_only_where_both_say_the_same_and_neither_doubts():
    assert Hindsight(PAID, PAID).outcome == Hindsight(NOT, NOT).outcome == 'right'
    assert Hindsight(PAID, NOT).outcome == Hindsight(NOT, PAID).outcome == 'wrong'
    doubtful = [(UNKNOWN, PAID), (NOT, UNKNOWN), (UNKNOWN, UNKNOWN)]
    assert {Hindsight(*pair).outcome for pair in doubtful} == {'undecided'}


def test_look_back__there_is_nothing_yet(tmp_path):
    with pytest.raises(UserError, match='no adaptation has been judged there'):
        look_back(tmp_path, tmp_path, tmp_path, torch.device('cpu'), Told())
