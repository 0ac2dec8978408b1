import pytest

from mmseg.apis.checks.classes import heads_fit_classes
from tests.apis.checks.runs import messages, run_of


@pytest.mark.parametrize('uda', [False, True])
def test_heads_fit_classes__nothing_is_said_where_they_do(tmp_path, uda):
    assert messages(heads_fit_classes, run_of(tmp_path, uda)) == []


@pytest.mark.parametrize('num_classes', [1, 4, 6, 19])
@pytest.mark.parametrize('uda', [False, True])
def test_heads_fit_classes__both_counts_and_the_setting_are_named(tmp_path, num_classes, uda):
    run = run_of(tmp_path, uda, model__decode_head__num_classes=num_classes)
    (said,) = messages(heads_fit_classes, run)
    assert said.startswith(f'model.decode_head.num_classes is {num_classes} and the data set has 5')
    assert '(road, sidewalk, building, pole, sky)' in said
    assert said.endswith('set model.decode_head.num_classes=5')
