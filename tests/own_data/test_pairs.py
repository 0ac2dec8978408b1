"""Pictures and their labels, by name."""

import pytest

from mmseg.own_data.pairs import pair_up
from mmseg.own_data.pictures import look_into
from mmseg.utils.errors import UserError

from .files import id_maps, photographs


def pairs_of(tmp_path, images, labels):
    photographs(tmp_path / 'images', images)
    id_maps(tmp_path / 'labels', labels)
    return pair_up(*(look_into(tmp_path / kind).pictures for kind in ('images', 'labels')))


@pytest.mark.parametrize(
    ('images', 'labels', 'how'),
    [
        (['a.jpg', 'b.png'], ['a.png', 'b.png'], 'the same names'),
        (['1.jpg', '11.jpg'], ['1_mask.png', '11_mask.png'], 'how all of a folder end'),
        (['x/a_img.png', 'x/b_img.png'], ['x/a_gt.png', 'x/b_gt.png'], 'how all of a folder end'),
        (['p/a.png', 'q/b.png'], ['a.png', 'b.png'], 'folders aside'),
        (['täg 1.jpg', 'täg 2.jpg'], ['täg 1.png', 'täg 2.png'], 'the same names'),
    ],
)
def test_pair_up__by_what_people_call_their_files(tmp_path, images, labels, how):
    found = pairs_of(tmp_path, images, labels)
    assert how in found.how and len(found.pairs) == 2 and not found.lines()
    for image, label in found.pairs:
        assert image.path.stem.split('_')[0] == label.path.stem.split('_')[0]


def test_pair_up__what_has_no_partner_is_left_out_and_named(tmp_path):
    found = pairs_of(tmp_path, ['a.png', 'b.png', 'c.png'], ['a.png', 'b.png', 'z.png'])
    assert len(found.pairs) == 2
    without_label, without_picture = found.lines()
    assert without_label == '1 pictures have no label and are left out: c.png'
    assert without_picture == '1 labels have no picture and are left out: z.png'


def test_pair_up__folders_of_something_else_are_refused(tmp_path):
    with pytest.raises(UserError, match=r'do not belong together: 0 of 2 .* a\.png and y\.png'):
        pairs_of(tmp_path, ['a.png', 'b.png'], ['y.png', 'z.png'])


def test_pair_up__labels_of_another_size(tmp_path):
    photographs(tmp_path / 'images', ['a.png'], (32, 48))
    photographs(tmp_path / 'images', ['b.png'])
    id_maps(tmp_path / 'labels', ['a.png', 'b.png'])
    images, labels = (look_into(tmp_path / kind).pictures for kind in ('images', 'labels'))
    found = pair_up(images, labels)
    assert [image.path.name for image, _ in found.pairs] == ['b.png']
    assert found.lines()[0].startswith('1 labels are of another size than their pictures')
    with pytest.raises(UserError, match=r'a\.png is 32×48, its label 64×48'):
        pair_up(images[:1], labels[:1])
