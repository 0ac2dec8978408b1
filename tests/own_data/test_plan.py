"""A plan's folders."""

import pytest

from mmseg.own_data.pictures import look_into
from mmseg.own_data.plan import lay_out
from mmseg.utils.errors import UserError

from .files import photographs


def test_lay_out__links_pictures_anew_and_nothing_else_is_taken_away(tmp_path):
    pictures = look_into(photographs(tmp_path / 'mine', ['a b.jpg', 'ü.png'])).pictures
    folder = tmp_path / 'out'
    lay_out(pictures, folder)
    lay_out(pictures[:1], folder)
    (link,) = folder.iterdir()
    assert link.name == '000000.png' and link.resolve() == pictures[0].path.resolve()
    (folder / 'notes.txt').write_text('mine')
    with pytest.raises(UserError, match=r'holds files of your own, such as notes\.txt'):
        lay_out(pictures, folder)
    assert (folder / 'notes.txt').is_file()
