"""A plan's folders and its length."""

import pytest

from mmseg.own_data.pictures import look_into
from mmseg.own_data.plan import lay_out, with_length
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


@pytest.mark.parametrize(('iterations', 'interval'), [(1, 1), (4, 1), (303, 76), (900, 225)])
def test_with_length__saves_four_times_and_warms_up_for_a_fifth(iterations, interval):
    config = with_length({'runner': {'max_iters': 900}, 'seed': 3}, iterations)
    assert config['runner']['max_iters'] == iterations and config['seed'] == 3
    assert config['checkpoint_config']['interval'] == interval
    assert config['lr_config']['warmup_iters'] == max(1, iterations // 5)


def test_with_length__the_teacher_follows_the_length_unless_a_person_has_set_it():
    short = {'runner': {'max_iters': 900}, 'uda': {'alpha': 0.99}}
    assert with_length(short, 40000)['uda'] == {'alpha': 0.999}
    assert with_length({**short, 'uda': {'alpha': 0.9}}, 40000)['uda'] == {'alpha': 0.9}
