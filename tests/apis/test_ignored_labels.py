"""What label files hold for ignored pixels makes no difference to a run."""

import cv2
import pytest
import torch

from mmseg.apis import load_config, set_random_seed, train_segmentor
from mmseg.datasets import build_dataset
from mmseg.models import build_train_model
from tests.apis.tiny import write_config

IGNORED_ROWS = slice(14, 22)


def train(folder, ignored, uda):
    """Train on files that hold `ignored` in some rows."""
    config = write_config(folder, uda)
    for domain in ('source', 'target'):
        for path in sorted((folder / domain / 'labels').iterdir()):
            labels = cv2.imread(str(path), -1)
            labels[IGNORED_ROWS] = labels[:2, :2] = ignored
            cv2.imwrite(str(path), labels)
    cfg = load_config(config)
    train = [cfg.data.train.source, cfg.data.train.target] if uda else [cfg.data.train]
    for part in (*train, cfg.data.val):
        part.ignore_index = ignored
    cfg.model.decode_head.ignore_index = ignored
    cfg.work_dir = str(folder / 'run')
    set_random_seed(cfg.seed)
    model = build_train_model(cfg)
    model.init_weights()
    device = torch.device('cpu')
    train_segmentor(model, build_dataset(cfg.data.train), cfg, validate=True, device=device)
    return model.state_dict()


@pytest.mark.parametrize('uda', [False, True])
def test_train__files_that_ignore_another_label_give_the_same_network(tmp_path, uda):
    expected = train(tmp_path / 'usual', 255, uda)
    for ignored in (5, 200):
        found = train(tmp_path / str(ignored), ignored, uda)
        assert all(torch.equal(expected[key], found[key]) for key in expected)
