import pytest
import torch

from mmseg.apis import load_config
from mmseg.apis.evaluation import build_evaluation_hook
from mmseg.apis.run_datasets import build_run_dataset
from mmseg.utils.errors import UserError

from .tiny import CLASSES, PALETTE, write_config

NUMBERS = ('0', '1', '2', '3', '4')


def config(folder, uda, *without, **classes):
    """A config in which some data sets lack names of classes."""
    cfg = load_config(write_config(folder, uda))
    train = cfg.data.train
    parts = {'source': train.get('source', train), 'target': train.get('target')}
    for name, part in {**parts, 'val': cfg.data.val, 'test': cfg.data.test}.items():
        if part is not None and (not without or name in without):
            for key in ('classes', 'palette', 'extra_means'):
                part.pop(key, None)
            part.update(classes)
    return cfg


@pytest.mark.parametrize('uda', [False, True])
def test_classes_without_names__are_called_by_the_numbers_of_the_head(tmp_path, uda):
    cfg = config(tmp_path, uda)
    for settings in (cfg.data.train, cfg.data.val, cfg.data.test):
        dataset = build_run_dataset(cfg, settings)
        assert dataset.CLASSES == NUMBERS and len(dataset.PALETTE) == 5
    source = build_run_dataset(cfg, cfg.data.train)
    assert getattr(source, 'source', source).CLASSES == NUMBERS


@pytest.mark.parametrize('num_classes', [5, 7, 19])
def test_classes_without_names__are_as_many_as_the_head_has(tmp_path, num_classes):
    cfg = config(tmp_path, False)
    cfg.model.decode_head.num_classes = num_classes
    dataset = build_run_dataset(cfg, cfg.data.train)
    assert tuple(map(str, range(num_classes))) == dataset.CLASSES


def test_a_target_without_names__takes_those_of_the_source(tmp_path):
    cfg = config(tmp_path, True, 'target')
    dataset = build_run_dataset(cfg, cfg.data.train)
    assert list(dataset.CLASSES) == CLASSES and list(dataset.target.CLASSES) == CLASSES
    assert list(dataset.PALETTE) == PALETTE


def test_a_palette_without_names__must_fit_the_head(tmp_path):
    cfg = config(tmp_path, False, palette=[[1, 2, 3]] * 4)
    with pytest.raises(UserError, match='palette: expected a colour for each of the 5 classes'):
        build_run_dataset(cfg, cfg.data.train)
    fitting = config(tmp_path, False, palette=PALETTE)
    assert list(build_run_dataset(fitting, fitting.data.train).PALETTE) == PALETTE


def test_labels_beyond_the_head__are_told(tmp_path):
    cfg = config(tmp_path, False)
    cfg.model.decode_head.num_classes = 3
    dataset = build_run_dataset(cfg, cfg.data.train)
    with pytest.raises(UserError, match='expected 0 to 2'):
        for position in range(4):
            dataset.draw(position, seed=0)


def test_evaluation__needs_no_names(tmp_path):
    cfg = config(tmp_path, True)
    cfg.work_dir = str(tmp_path / 'work')
    assert build_evaluation_hook(cfg, torch.device('cpu'))
