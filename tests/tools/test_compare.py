import sys

import pytest

from mmseg.core.visualization import load_picture
from mmseg.utils.errors import UserError
from tests.apis import tiny
from tools.compare import main


@pytest.fixture
def call(monkeypatch, tmp_path):
    def run(*arguments):
        out = tmp_path / 'out.png'
        monkeypatch.setattr(sys, 'argv', ['compare', *map(str, arguments), '--out', str(out)])
        main()
        return load_picture(out)

    return run


def test_compare__image_predictions_and_labels_side_by_side(call, tmp_path):
    run = tiny.write_run(tmp_path / 'run')
    width = 4 * 56 + 5 * 4
    assert call(run, run, '--images', 0, 2).shape[1] == width


def test_compare__a_run_of_other_classes_than_the_test_set(call, tmp_path):
    run = tiny.write_run(tmp_path / 'run')
    classes = tiny.CLASSES[::-1]
    test = tiny.dataset(tmp_path / 'run/target', tiny.testing_pipeline(), classes=classes)
    data = {'samples_per_gpu': 2, 'workers_per_gpu': 0, 'train': test, 'val': test, 'test': test}
    tiny.write_config(tmp_path / 'run', data=data).replace(run / 'config.json')
    with pytest.raises(UserError, match=r"class 0 is 'road' in the checkpoint .*/latest.pth and"):
        call(run)
