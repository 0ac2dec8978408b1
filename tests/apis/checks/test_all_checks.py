import pytest

from mmseg.apis import checks
from mmseg.apis.checks import Finding, all_checks, check_run
from mmseg.utils.errors import UserError
from mmseg.utils.logger import get_root_logger
from tests.apis.checks.runs import run_of


@pytest.fixture
def logged(monkeypatch):
    """What is logged, as (level, text)."""
    lines = []
    for level in ('warning', 'error'):
        monkeypatch.setattr(
            get_root_logger(), level, lambda text, level=level: lines.append((level, text))
        )
    return lines


def finds(*findings):
    return lambda run: iter([Finding(*finding) for finding in findings])


def test_check_run__a_sound_run_is_passed_without_a_word(tmp_path, logged):
    check_run(run_of(tmp_path))
    assert logged == []


def test_check_run__one_error_is_the_whole_message(monkeypatch, logged):
    monkeypatch.setattr(all_checks, 'CHECKS', (finds(('error', 'a is wrong')),))
    with pytest.raises(UserError) as caught:
        check_run(None)
    assert str(caught.value) == 'a is wrong' and logged == []


def test_check_run__all_errors_are_shown_before_one_ends_the_run(monkeypatch, logged):
    several = (finds(('warning', 'b')), finds(('error', 'a'), ('error', 'c')))
    monkeypatch.setattr(all_checks, 'CHECKS', several)
    with pytest.raises(UserError) as caught:
        check_run(None)
    assert logged == [('warning', 'b'), ('error', 'a'), ('error', 'c')]
    assert str(caught.value) == 'a (2 errors in all, see above)'


def test_check_run__warnings_end_nothing(monkeypatch, logged):
    monkeypatch.setattr(all_checks, 'CHECKS', (finds(('warning', 'b')),))
    check_run(None)
    assert logged == [('warning', 'b')]


def test_findings_of__a_users_mistake_that_a_check_meets_is_an_error(monkeypatch):
    def meets(run):
        raise UserError('no folder')

    monkeypatch.setattr(all_checks, 'CHECKS', (meets,))
    assert list(checks.findings_of(None)) == [Finding('error', 'no folder')]


def test_findings_of__a_check_that_cannot_be_made_is_named_and_the_others_go_on(monkeypatch):
    def breaks(run):
        """Look at something."""
        raise AttributeError('img_infos')

    monkeypatch.setattr(all_checks, 'CHECKS', (breaks, finds(('error', 'a'))))
    left_out, error = checks.findings_of(None)
    assert left_out.severity == 'warning' and error == Finding('error', 'a')
    assert left_out.message.startswith('not checked (AttributeError: img_infos (')
    assert left_out.message.endswith('in breaks)): Look at something.')
