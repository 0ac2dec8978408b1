import pytest

from mmseg.utils.atomic import atomic_path, remove_unfinished
from mmseg.utils.errors import UserError


def test_atomic_path__a_failure_leaves_what_was_there(tmp_path):
    (tmp_path / 'a.txt').write_text('before')
    with pytest.raises(KeyError), atomic_path(tmp_path / 'a.txt') as temporary:
        temporary.write_text('after')
        raise KeyError
    assert (tmp_path / 'a.txt').read_text() == 'before'
    assert [path.name for path in tmp_path.iterdir()] == ['a.txt']


def test_atomic_path__a_folder_in_the_files_place_is_named(tmp_path):
    (tmp_path / 'a.txt').mkdir()
    with pytest.raises(UserError, match='a folder where a file'), atomic_path(tmp_path / 'a.txt'):
        pytest.fail('nothing is to be written')


def test_remove_unfinished__takes_what_a_killed_process_left_and_nothing_else(tmp_path):
    for name in ('.iter_3.77.tmp.pth', '.x.77.tmp', 'iter_3.pth', '.hidden'):
        (tmp_path / name).touch()
    (tmp_path / '.latest.pth.77.tmp').symlink_to('nowhere')
    remove_unfinished(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ['.hidden', 'iter_3.pth']
