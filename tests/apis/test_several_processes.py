"""Several processes do what one does with the same global batch."""

import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from mmseg.apis import load_config, multi_gpu_test, set_random_seed, train_segmentor
from mmseg.apis.loader import build_test_loader
from mmseg.datasets import build_dataset
from mmseg.models import build_segmentor, build_train_model
from mmseg.utils.distributed import world_size
from mmseg.utils.errors import UserError
from tests.apis import tiny
from tests.processes import run_processes

GLOBAL_BATCH, NUM_ITERS, NUM_ENTRIES = 6, 20, 40
GROUP_NORM = {'type': 'GN', 'num_groups': 4, '_delete_': True}
NETWORK = {
    'model.backbone.embed_dims': [8, 8, 16, 16],
    'model.backbone.num_heads': [1, 1, 2, 2],
    'model.backbone.depths': [1, 1, 1, 1],
    'model.decode_head.in_channels': [8, 8, 16, 16],
}
# BatchNorm's statistics are those of one process, SyncBN needs GPUs, and dropout draws anew in
# each process: without these the processes must agree with a single one.
EXACT = {
    'model.backbone.drop_path_rate': 0.0,
    'model.decode_head.dropout_ratio': 0,
    'model.decode_head.norm_cfg': GROUP_NORM,
    'model.decode_head.decoder_params.fusion_cfg.norm_cfg': GROUP_NORM,
}
ADAPTATION = {
    'uda.pseudo_threshold': 0.21,
    'uda.imnet_feature_dist_classes': [0, 2],
    'uda.imnet_feature_dist_scale_min_ratio': 0.2,
    'uda.print_grad_magnitude': True,
    'uda.instance.num_entries': NUM_ENTRIES,
    'uda.instance.update_interval': 3,
    'uda.instance.momentum': 0.9,
    'uda.instance.smoothing': 0.9,
    'uda.instance.vectors': 'mean+boundary',
    'uda.instance.pixel_weights': 'pseudo_label',
    'data.train.rare_class_sampling': {'min_pixels': 100, 'class_temp': 0.5},
}


def write_statistics(source):
    """Write what a converter would: the pixels of each class in each label map."""
    stats, images_of = [], {}
    for path in sorted((source / 'labels').iterdir()):
        labels, counts = np.unique(cv2.imread(str(path), -1), return_counts=True)
        pixels = {int(c): int(n) for c, n in zip(labels, counts, strict=True) if c != 255}
        stats.append({**pixels, 'file': str(path)})
        for c, n in pixels.items():
            images_of.setdefault(c, []).append([str(path), n])
    (source / 'sample_class_stats.json').write_text(json.dumps(stats))
    (source / 'samples_with_class.json').write_text(json.dumps(images_of))


def train(config, work_dir, changes):
    """Train as one of some processes; return what all of them should agree on."""
    cfg = load_config(config)
    cfg.merge_from_dict({'data.samples_per_gpu': GLOBAL_BATCH // world_size(), **changes})
    cfg.work_dir = str(work_dir)
    dataset = build_dataset(cfg.data.train)
    set_random_seed(cfg.seed)
    model = build_train_model(cfg)
    model.init_weights()
    runner = train_segmentor(model, dataset, cfg, validate=True, device=torch.device('cpu'))
    state = b''.join(t.numpy().tobytes() for t in runner.model.state_dict().values())
    bank = getattr(runner.model, 'bank', None)
    return {
        'state': hashlib.sha256(state).hexdigest(),
        'entries': None if bank is None else bank.features.numpy(),
        'labels': None if bank is None else bank.labels.tolist(),
    }


def read_log(work_dir):
    """Return for each iteration the values that training logs, without times."""
    (log,) = Path(work_dir).glob('*.log.json')
    lines = [json.loads(line) for line in log.read_text().splitlines()[1:]]
    kinds = ('loss', 'acc', 'weight', 'norm')
    return [
        {key: value for key, value in line.items() if any(kind in key for kind in kinds)}
        for line in lines
        if line['mode'] == 'train'
    ]


def assert_close(log, expected):
    """Hold losses to the last digit logged, and what rounding moves to what rounding moves it by.

    One ulp in the weights of a single process moves its gradient norms by up to 4e-4 in these
    20 iterations (12 seeds), and a pixel that changes its class moves an accuracy.
    """
    assert len(log) == len(expected)
    for ours, theirs in zip(log, expected, strict=True):
        assert ours.keys() == theirs.keys()
        for key in theirs:
            moved_by_rounding = 'norm' in key or 'acc' in key
            tolerance = 1e-3 if moved_by_rounding else 1e-5
            assert ours[key] == pytest.approx(theirs[key], rel=tolerance, abs=1e-5), key


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Two domains, configs that train on them, and weights for the feature distance."""
    folder = tmp_path_factory.mktemp('data')
    settings = {
        'runner': {'type': 'IterBasedRunner', 'max_iters': NUM_ITERS},
        'checkpoint_config': {'interval': 10},
        'evaluation': {'interval': 100},
        'dist_params': {'check_interval': 5},
    }
    with pytest.MonkeyPatch.context() as patch:
        # The feature distance wants whole cells of 32 pixels.
        patch.setattr(tiny, 'CROP', [32, 64])
        config = tiny.write_config(folder, uda=True, **settings)
        tiny.write_config(folder, **settings)
    write_statistics(folder / 'source')
    cfg = load_config(config)
    cfg.merge_from_dict(NETWORK)
    torch.manual_seed(0)
    torch.save(build_segmentor(cfg.model).backbone.state_dict(), folder / 'backbone.pth')
    return folder


@pytest.fixture(scope='module')
def changes(folder):
    return {**NETWORK, **EXACT, **ADAPTATION, 'model.pretrained': str(folder / 'backbone.pth')}


@pytest.fixture(scope='module')
def runs(folder, changes):
    """The same adaptation by 1, 2 and 3 processes: the work dir and what each process found."""
    work_dirs = {number: folder / f'run{number}' for number in (1, 2, 3)}
    return {
        number: (work_dir, run_processes(number, train, folder / 'uda.json', work_dir, changes))
        for number, work_dir in work_dirs.items()
    }


def test_train__a_run_that_puts_everything_to_the_test(runs):
    log = read_log(runs[1][0])
    assert any(0 < values['pseudo_weight'] < 1 for values in log)
    assert any(values['src.loss_imnet_feat_dist'] > 0 for values in log)
    bank_is_full = ['mix.loss_instance' in values for values in log]
    assert not bank_is_full[0] and all(bank_is_full[2:])


@pytest.mark.parametrize('number', [2, 3])
def test_train__losses_are_those_of_one_process(runs, number):
    log = read_log(runs[number][0])
    assert len(log) == NUM_ITERS
    assert_close(log, read_log(runs[1][0]))


@pytest.mark.parametrize('number', [2, 3])
def test_train__all_processes_hold_one_student_teacher_and_bank(runs, number):
    (single,), several = runs[1][1], runs[number][1]
    assert len({found['state'] for found in several}) == 1
    assert several[0]['labels'] == single['labels']
    assert len(several[0]['labels']) == NUM_ENTRIES
    np.testing.assert_allclose(several[0]['entries'], single['entries'], rtol=1e-5, atol=1e-5)


def test_train__one_process_writes(runs):
    names = [sorted(path.name for path in runs[number][0].iterdir()) for number in (1, 3)]
    logs = [[name for name in found if name.endswith('.log.json')] for found in names]
    assert [len(found) for found in logs] == [1, 1]
    assert set(names[0]) - set(logs[0]) == set(names[1]) - set(logs[1])


CLIPPED_WINDOWS = {
    'optimizer_config': {
        '_delete_': True,
        'type': 'GradientCumulativeOptimizerHook',
        'cumulative_iters': 3,
        'grad_clip': {'max_norm': 0.1},
    },
    'optimizer.lr': 1e-3,
}


@pytest.mark.parametrize('name', ['uda', 'source_only'])
def test_train__clipped_windows_are_those_of_one_process(folder, changes, name):
    """Eight iterations make windows of 3, 3 and 2; a run of two processes is resumed within one."""
    settings = {**(changes if name == 'uda' else {**NETWORK, **EXACT}), **CLIPPED_WINDOWS}
    settings |= {'runner.max_iters': 8, 'checkpoint_config.interval': 4}
    logs, entire = {}, folder / f'windows_{name}'
    for number in (1, 2, 3):
        work_dir = entire / str(number)
        found = run_processes(number, train, folder / f'{name}.json', work_dir, settings)
        assert len({process['state'] for process in found}) == 1
        logs[number] = read_log(work_dir)
        assert_close(logs[number], logs[1])
    clipped = [values['grad_norm'] for values in logs[1] if 'grad_norm' in values]
    assert len(clipped) == 3 and min(clipped) > 0.1
    resumed = {**settings, 'resume_from': str(entire / '2' / 'iter_4.pth')}
    for number in (3, 1):
        work_dir = entire / f'resumed{number}'
        run_processes(number, train, folder / f'{name}.json', work_dir, resumed)
        assert_close(read_log(work_dir), logs[1][4:])


def test_resume__goes_on_with_another_number_of_processes(runs, folder, changes):
    resumed = {**changes, 'resume_from': str(runs[3][0] / 'iter_10.pth')}
    for number in (2, 1):
        work_dir = folder / f'resumed{number}'
        run_processes(number, train, folder / 'uda.json', work_dir, resumed)
        assert_close(read_log(work_dir), read_log(runs[1][0])[10:])


def test_train__source_only_losses_are_those_of_one_process(folder):
    short = {**NETWORK, **EXACT, 'runner.max_iters': 4}
    logs = []
    for number in (1, 2):
        work_dir = folder / f'source{number}'
        found = run_processes(number, train, folder / 'source_only.json', work_dir, short)
        assert len({process['state'] for process in found}) == 1
        logs.append(read_log(work_dir))
    assert_close(*logs)


def test_train__two_scales_and_masks_are_those_of_one_process(folder, changes):
    content = json.loads((folder / 'uda.json').read_text())
    content['model'] = tiny.two_scales(content['model'])
    config = folder / 'two_scales.json'
    config.write_text(json.dumps(content))
    blocks = {'type': 'block', 'mask_ratio': 0.5, 'mask_block_size': 8}
    two = {
        **changes,
        'runner.max_iters': 8,
        'uda.imnet_feature_dist_lambda': 0,  # crops are too small for a cell of the context
        'uda.instance.num_entries': 7,
        'uda.instance.scale': 'both',
        'uda.instance.masked': True,
        'uda.mask_mode': 'separatetrgaug',
        'uda.mask_generator': blocks,
    }
    logs = []
    for number in (1, 2):
        work_dir = folder / f'two_scales{number}'
        found = run_processes(number, train, config, work_dir, two)
        assert len({process['state'] for process in found}) == 1
        logs.append(read_log(work_dir))
    expected = {'mix.loss_instance', 'masked.loss_instance', 'masked.decode.hr.loss_seg'}
    assert expected <= logs[0][-1].keys()
    assert_close(*logs)


def test_train__batch_norm_and_dropout_leave_one_state(folder, changes):
    """Statistics and draws of each process differ; what comes of them must not."""
    inexact = {key: value for key, value in changes.items() if key not in EXACT}
    inexact['runner.max_iters'] = 3
    found = run_processes(2, train, folder / 'uda.json', folder / 'batch_norm', inexact)
    assert len({process['state'] for process in found}) == 1


def evaluate(config):
    """Test a network with random weights on the three images of the target."""
    cfg = load_config(config)
    cfg.merge_from_dict(NETWORK)
    torch.manual_seed(1)
    model = build_segmentor(cfg.model)
    dataset = build_dataset(cfg.data.val, {'test_mode': True})
    loader = build_test_loader(dataset, cfg, torch.device('cpu'))
    areas = multi_gpu_test(model, loader)
    return len(loader), dataset.evaluate(areas)


def test_multi_gpu_test__scores_are_those_of_one_process_to_the_bit(folder):
    ((_, expected),) = run_processes(1, evaluate, folder / 'uda.json')
    assert expected['aAcc'] > 0
    for number, shares in ((2, [2, 1]), (5, [1, 1, 1, 0, 0])):
        found = run_processes(number, evaluate, folder / 'uda.json')
        assert [share for share, _ in found] == shares
        for _, scores in found:
            np.testing.assert_equal(scores, expected)


def test_train__a_process_group_that_is_missing_is_told(folder):
    cfg = load_config(folder / 'source_only.json')
    with pytest.raises(UserError, match='no processes to share the training'):
        train_segmentor(torch.nn.Identity(), None, cfg, distributed=True)
