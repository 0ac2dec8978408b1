"""Source images that training left out."""

import pytest
import torch

from mmseg.apis import init_segmentor, load_config
from mmseg.selection.held_back import held_back_images, measure_on_source
from mmseg.utils.errors import UserError
from tests.apis.tiny import write_config


@pytest.fixture
def cfg(tmp_path):
    cfg = load_config(write_config(tmp_path, uda=True))
    (tmp_path / 'source/train.txt').write_text('0\n1\n')
    (tmp_path / 'held_back.txt').write_text('2\n3\n')
    cfg.data.train.source.split = 'train.txt'
    return cfg


def test_held_back_images__are_shown_as_tests_show_images(cfg, tmp_path):
    dataset = held_back_images(cfg, tmp_path / 'held_back.txt')
    assert [info['filename'] for info in dataset.img_infos] == ['2.png', '3.png']
    assert dataset.test_mode and dataset.has_labels
    model = init_segmentor(cfg, device='cpu')
    score = measure_on_source(tmp_path / 'held_back.txt', torch.device('cpu'))(model, cfg)
    assert 0 <= score <= 1


def test_held_back_images__that_were_trained_on_are_refused(cfg, tmp_path):
    (tmp_path / 'held_back.txt').write_text('1\n2\n')
    with pytest.raises(UserError, match=r'the run trained on 1 of the 2 images, such as .*1\.png'):
        held_back_images(cfg, tmp_path / 'held_back.txt')
    del cfg.data.train.source['split']
    with pytest.raises(UserError, match='trained on 2 of the 2'):
        held_back_images(cfg, tmp_path / 'held_back.txt')


def test_held_back_images__a_source_of_several_folders_has_no_single_list(cfg, tmp_path):
    cfg.data.train.source = [cfg.data.train.source] * 2
    with pytest.raises(UserError, match='expected a source of one folder'):
        held_back_images(cfg, tmp_path / 'held_back.txt')
