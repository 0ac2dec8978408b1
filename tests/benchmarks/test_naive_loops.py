import numpy as np
import torch

from benchmarks.naive_loops import ReloadingRareClassDataset, naive_test
from mmseg.apis import load_config, single_gpu_test
from mmseg.apis.loader import build_test_loader
from mmseg.datasets import RareClassDataset, build_dataset
from mmseg.datasets.pipelines import loading
from mmseg.models import build_segmentor
from tests.apis.tiny import write_config
from tests.datasets.conftest import gta_root, make_gta  # noqa: F401  fixtures


def test_reloading__reads_the_image_for_every_crop(make_gta, monkeypatch):  # noqa: F811
    reads = []
    read = loading.read_image
    monkeypatch.setattr(loading, 'read_image', lambda *a, **k: reads.append(1) or read(*a, **k))
    # No crop holds that much: each sample is cropped as often as is allowed.
    settings = {'min_pixels': 10, 'min_crop_ratio': 1000}
    counts = {}
    for kind in (RareClassDataset, ReloadingRareClassDataset):
        dataset = kind(make_gta(), **settings)
        reads.clear()
        dataset.draw(0, seed=0)
        counts[kind] = len(reads)
    assert counts == {RareClassDataset: 1, ReloadingRareClassDataset: 11}


def test_naive_test__finds_the_same_pixels_right(tmp_path):
    cfg = load_config(write_config(tmp_path))
    dataset = build_dataset(cfg.data.test, {'test_mode': True})
    model = build_segmentor(cfg.model).eval()
    loader = build_test_loader(dataset, cfg, torch.device('cpu'))
    confusion = naive_test(model, loader, dataset, tmp_path)
    counted = single_gpu_test(model, loader, pre_eval=True)
    matrix = np.sum([np.asarray(image) for image in counted], axis=0)
    assert np.diag(confusion).tolist() == np.diag(matrix)[:-1].tolist()
    assert len(list(tmp_path.glob('*_labels.png'))) == len(dataset)
