"""Where configs are found by the names that users give them."""

from pathlib import Path

import pytest

from mmseg.utils.places import CONFIGS, HOME, WORKSPACE, named_file

DIDA = next((CONFIGS / 'dida').glob('*.py')).relative_to(HOME)


def test_places__a_checkout_is_its_own_workspace():
    assert Path(__file__).resolve().parents[2] == HOME == WORKSPACE


def test_named_file__a_config_of_the_project_is_found_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert named_file(str(DIDA)) == HOME / DIDA


def test_named_file__a_file_of_the_user_goes_before_that_of_the_project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / DIDA).parent.mkdir(parents=True)
    (tmp_path / DIDA).touch()
    assert named_file(DIDA) == DIDA


@pytest.mark.parametrize('name', ['README.md', 'tools/train.py', 'configs/of_nobody.py', 'configs'])
def test_named_file__nothing_else_is_taken_from_the_project(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    assert named_file(name) == Path(name)
