"""Whether a folder holds what came of the same request."""

import json
import shutil
from dataclasses import replace

import pytest

from mmseg.own_data.memory import MEMORY, PROPOSED, memory_for
from mmseg.own_data.request import Request
from mmseg.utils.errors import UserError

from .files import id_maps, photographs


@pytest.fixture
def request_for(tmp_path):
    photographs(tmp_path / 'img', ['a.png', 'b.png'])
    id_maps(tmp_path / 'lab', ['a.png', 'b.png'])
    photographs(tmp_path / 'field', ['c.png'])
    folders = (tmp_path / 'img', tmp_path / 'lab', tmp_path / 'field')
    request = Request(*folders, None, None, 'daformer', tmp_path / 'out')
    memory_for(request).set(PROPOSED, ['looked'])
    return request


def test_memory__is_there_for_the_same_request(request_for):
    (request_for.images / 'Thumbs.db').write_bytes(b'what a file manager leaves')
    assert memory_for(request_for).get(PROPOSED) == ['looked']


@pytest.mark.parametrize(
    ('change', 'told'),
    [
        (lambda r, t: id_maps(r.labels, ['a.png'], (1, 2)), 'LABELS: 1 files have changed, a.png'),
        (lambda r, t: (r.target / 'c.png').unlink(), '--target: 1 files are gone, c.png'),
        (lambda r, t: photographs(r.images, ['n.png']), 'IMAGES: 1 files are new, n.png'),
        (lambda r, t: replace(r, method='dida'), '--method, was daformer'),
        (lambda r, t: replace(r, target=shutil.copytree(r.target, t / 'other')), '--target, was '),
        (lambda r, t: replace(r, target_labels=r.labels / 'sub'), '--target-labels, was not given'),
        (lambda r, t: replace(r, classes=t / 'map.json'), '--classes is another'),
    ],
)
def test_memory__another_request_is_refused_and_told_by_what(change, told, request_for, tmp_path):
    (request_for.labels / 'sub').mkdir()
    classes = {name: {'labels': [id_]} for id_, name in enumerate('xy')}
    (tmp_path / 'map.json').write_text(json.dumps({'classes': classes}))
    changed = change(request_for, tmp_path)
    request = changed if isinstance(changed, Request) else request_for
    with pytest.raises(UserError, match='give another --out') as error:
        memory_for(request)
    assert told in str(error.value)


def test_memory__what_was_looked_at_in_vain_may_be_mended(request_for):
    memory_for(request_for).set(PROPOSED, None)
    (request_for.images / 'a.png').unlink()
    assert memory_for(request_for).get(PROPOSED) is None


def test_memory__a_folder_of_something_else_is_left_alone(request_for, tmp_path):
    (tmp_path / 'mine').mkdir()
    (tmp_path / 'mine/notes.txt').write_text('mine')
    with pytest.raises(UserError, match=r'holds files of your own, such as notes\.txt'):
        memory_for(replace(request_for, out=tmp_path / 'mine'))
    (request_for.out / MEMORY).write_text('{"asked": ')
    with pytest.raises(UserError, match=r'progress\.json is damaged'):
        memory_for(request_for)
