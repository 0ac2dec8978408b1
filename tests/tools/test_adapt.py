"""From folders to a network, in one command: real files, real trainings."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mmseg.apis import inference_segmentor, init_segmentor, load_config
from mmseg.apis.run_datasets import build_run_dataset
from mmseg.core.checkpoint_reading import read_checkpoint
from mmseg.core.json_logs import START, find_logs, read_records
from mmseg.own_data import distilling
from mmseg.utils.cli import run_cli
from tests.own_data.files import id_maps, photographs
from tools import adapt, measure_adapting, train

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def propose(monkeypatch, capfd, tmp_path):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)

    def call(*options):
        folders = (tmp_path / 'photos', tmp_path / 'masks', tmp_path / 'field')
        arguments = ['--source', *folders[:2], '--target', folders[2], '--out', tmp_path / 'out']
        monkeypatch.setattr(sys, 'argv', ['adapt', *map(str, (*arguments, '--dry-run', *options))])
        try:
            run_cli(adapt.main)
        except SystemExit as end:
            assert end.code == 1
        return capfd.readouterr()

    return call


@pytest.fixture
def folders(tmp_path):
    photographs(tmp_path / 'photos', [f'shot {i}.jpg' for i in range(4)])
    id_maps(tmp_path / 'masks', [f'shot {i}_mask.png' for i in range(4)], (0, 3, 9, 255))
    photographs(tmp_path / 'field', [f'ü{i}.png' for i in range(6)])
    before = sorted(tmp_path.rglob('*'))
    return before


def test_adapt__what_it_writes_trains_and_touches_nothing(propose, folders, tmp_path, monkeypatch):
    told = propose('--iterations', 2)
    assert told.err == '' and sorted(
        path for path in tmp_path.rglob('*') if 'out' not in path.parts
    ) == [path for path in folders if 'out' not in path.parts]
    assert 'labels: 4 pairs, by names that differ in how all of a folder end' in told.out
    assert '9 (' in told.out and "is taken for 'class 2'" in told.out
    kept = (tmp_path / 'out/summary.txt').read_text()
    assert 'size: (64, 48)' in kept and 'encoder: effnetlite0' in kept
    cfg = load_config(tmp_path / 'out/adapt.json')
    dataset = build_run_dataset(cfg, cfg.data.train)
    assert list(dataset.CLASSES) == ['class 0', 'class 1', 'class 2'] and len(dataset.target) == 6
    command = told.out.splitlines()[-1].split()
    assert command[:2] == ['python', 'tools/train.py'] and command[-1] == '--no-validate'
    monkeypatch.setattr(sys, 'argv', command[1:])
    run_cli(train.main)
    assert (tmp_path / 'out/adapt/iter_2.pth').is_file()


def test_adapt__labels_of_some_target_images_are_tested_on(propose, folders, tmp_path):
    id_maps(tmp_path / 'truth', ['ü0.png', 'ü1.png'], (0, 3, 9))
    told = propose('--target-labels', tmp_path / 'truth', '--method', 'dida')
    assert 'target labels: 2 pairs, tested on and adapted to as well' in told.out
    cfg = load_config(tmp_path / 'out/adapt.json')
    assert cfg.uda.instance.num_entries == 30
    test = build_run_dataset(cfg, cfg.data.test, {'test_mode': True})
    assert len(test) == 2 and test.has_labels
    assert not told.out.rstrip().endswith('--no-validate')
    plain = load_config(tmp_path / 'out/source_only.json')
    assert plain.get('uda') is None and plain.data.train.type == 'CustomDataset'


@pytest.mark.parametrize(('method', 'smoothing'), [('dida', 1.0), ('dida_plus', 0.5)])
def test_adapt__the_instance_level_is_as_published_or_as_it_measured_best(
    propose, folders, tmp_path, method, smoothing
):
    propose('--method', method)
    assert load_config(tmp_path / 'out/adapt.json').uda.instance.smoothing == smoothing


def test_adapt__a_mapping_of_the_persons_own(propose, folders, tmp_path):
    classes = {'soil': {'labels': [0]}, 'plant': {'labels': [3, 9]}}
    (tmp_path / 'map.json').write_text(json.dumps({'classes': classes}))
    told = propose('--classes', tmp_path / 'map.json')
    assert 'no class lists 255' in told.out
    assert load_config(tmp_path / 'out/adapt.json').data.test.classes == ['soil', 'plant']


def test_adapt__what_can_not_be_is_told_in_a_line(propose, folders, tmp_path):
    for path in (tmp_path / 'masks').iterdir():
        path.rename(path.with_name(f'other{path.name}'))
    assert 'labels and pictures do not belong together: 0 of 4' in propose().err
    lying = tmp_path / 'out/data/source/images'
    photographs(lying, ['mine.png'])
    assert 'lies where --out' in propose('--source', lying, tmp_path / 'masks').err
    assert (lying / 'mine.png').is_file()
    assert '--iterations: expected 1 or more, got -1' in propose('--iterations', -1).err


class Command:
    """`adapt.py` on some folders: in this process, or in a group of its own, as a terminal does."""

    def __init__(self, folder, monkeypatch, capfd):
        self.folders = [
            *('--source', folder / 'photos', folder / 'masks', '--target', folder / 'field'),
            *('--out', folder / 'out'),
        ]
        self.out = folder / 'out'
        self._patch, self._capture = monkeypatch, capfd
        monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '')
        monkeypatch.setenv('OMP_NUM_THREADS', '1')

    def words(self, *options):
        """Return what is typed after `python`."""
        return [str(ROOT / 'tools/adapt.py'), *map(str, (*self.folders, *options))]

    def end(self, *options, code=0):
        """Let it come to its end; return what it said."""
        self._patch.setattr(sys, 'argv', self.words(*options))
        self._capture.readouterr()
        ended = 0
        try:
            run_cli(adapt.main)
        except SystemExit as end:
            ended = end.code
        said = ''.join(self._capture.readouterr())
        assert ended == code, said
        return said

    def stop_at(self, file, stop, *options):
        """Stop it as soon as it has written a file; return its exit code and what it said."""
        process = subprocess.Popen(
            [sys.executable, *self.words(*options)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        while not (self.out / file).exists():
            assert process.poll() is None, process.communicate()[0]
            time.sleep(0.01)
        stop(process)
        said, _ = process.communicate(timeout=100)
        return process.returncode, said


@pytest.fixture
def command(tmp_path, monkeypatch, capfd):
    return Command(tmp_path, monkeypatch, capfd)


def times_of(out):
    """Return when each file that is handed over was written."""
    names = ('adapted.pth', 'source_only/result.json', 'adapt/result.json', 'progress.json')
    return {name: (out / name).stat().st_mtime_ns for name in names}


def test_adapt__goes_on_where_it_was_killed_and_says_by_labels_whether_it_paid(
    tmp_path, command, monkeypatch, capfd
):
    size = (96, 72)
    photographs(tmp_path / 'photos', [f'{i}.jpg' for i in range(4)], size)
    id_maps(tmp_path / 'masks', [f'{i}.png' for i in range(4)], size=size)
    photographs(tmp_path / 'field', [f'sub/ü {i}.JPG' for i in range(5)], size)
    photographs(tmp_path / 'field', ['wide.png'], (90, 50))
    truth = id_maps(tmp_path / 'truth', [f'ü {i}.png' for i in range(4)], size=size)
    options = ('--target-labels', truth, '--iterations', 12)
    out = command.out

    code, said = command.stop_at('source_only/iter_3.pth', lambda p: p.terminate(), *options)
    assert code == 130 and 'stopped; the same command goes on' in said
    assert 'tools/adapt.py --source' in said and '--resume' not in said

    def kill(process):
        os.killpg(process.pid, signal.SIGKILL)

    code, said = command.stop_at('adapt/iter_3.pth', kill, *options)
    assert code == -signal.SIGKILL and not (out / 'adapt/result.json').exists()
    finished = (out / 'source_only/result.json').stat().st_mtime_ns
    assert 'trained already' in command.end(*options)
    assert (out / 'source_only/result.json').stat().st_mtime_ns == finished
    starts = [r[START] for r in read_records(find_logs(out / 'adapt')) if START in r]
    assert len(starts) == 2 and starts[1] >= 3

    summary = (out / 'summary.txt').read_text()
    assert 'iterations: 12 of each training, as asked for' in summary
    assert 'on 4 labelled images, few: a hint' in summary
    assert 'without labels the answer would be: ' in summary
    for name, own in (('sub/ü 0', size), ('wide', (90, 50))):
        for file in (f'predictions/{name}.png', f'confidence/{name}.png', f'overlays/{name}.jpg'):
            with Image.open(out / file) as image:
                assert image.size == own
    may_export = importlib.util.find_spec('onnxscript') is not None
    assert (out / 'adapted.onnx').is_file() == may_export
    assert ('adapted.onnx is left out: onnxscript is missing' in summary) != may_export
    assert '<html' in (out / 'report.html').read_text()[:500]
    assert read_checkpoint(out / 'adapted.pth')['meta']['CLASSES'] == [f'class {i}' for i in '012']
    model = init_segmentor(str(out / 'adapt.json'), out / 'adapted.pth', 'cpu')
    (labels,) = inference_segmentor(model, tmp_path / 'field/wide.png')
    assert (labels == np.asarray(Image.open(out / 'predictions/wide.png'))).mean() > 0.99

    before = times_of(out)
    last = command.end(*options).splitlines()[-1]
    assert last == f'sh demo.sh {out}/adapt.json {out}/adapted.pth IMAGE'
    assert times_of(out) == before and (out / 'summary.txt').read_text() == summary
    # By the very labels that it was judged by, what it said is true.
    monkeypatch.setattr(sys, 'argv', ['', *map(str, (out, tmp_path / 'field', truth))])
    run_cli(measure_adapting.main)
    said, true, _ = capfd.readouterr().out.splitlines()[-3:]
    assert said.removeprefix('said: ') == true.removeprefix('true: ')


def test_adapt__measures_a_step_once_and_keeps_to_what_training_has_begun_with(tmp_path, command):
    photographs(tmp_path / 'photos', ['a.jpg'])
    id_maps(tmp_path / 'masks', ['a.png'])
    photographs(tmp_path / 'field', ['b.png'])
    told = command.end('--minutes', 0.1, code=1)
    assert 'measuring how long a step takes' in told and '--minutes 0.1: ' in told
    assert not (command.out / 'measured').exists()
    told = command.end('--minutes', 0.2, code=1)
    assert 'measuring' not in told and 'give --minutes ' in told

    told = command.end('--iterations', 2)
    assert "can't tell whether adaptation paid, a guess" in told
    assert '1 target images tell too little, 4 are needed' in told and 'not calibrated' in told
    configs = [load_config(command.out / f'{name}.json') for name in ('adapt', 'source_only')]
    assert [cfg.runner.max_iters for cfg in configs] == [2, 2]
    told = command.end('--minutes', 30)
    assert '--minutes 30: training has begun with 2 iterations' in told
    assert 'not distilled: no pixel' in command.end('--distil', 'mit_b0')
    assert '--iterations 3: training has begun with 2' in command.end('--iterations', 3, code=1)
    assert '--method, was daformer' in command.end('--method', 'dida', code=1)


def test_adapt__distils_a_student_of_what_it_predicts(tmp_path, command, monkeypatch):
    photographs(tmp_path / 'photos', ['a.jpg', 'b.jpg'])
    id_maps(tmp_path / 'masks', ['a.png', 'b.png'])
    photographs(tmp_path / 'field', ['c.png', 'd.png'])
    monkeypatch.setattr(distilling, '_SURE', 0.2)
    told = command.end('--iterations', 2, '--distil', 'mit_b0')
    assert 'distilling into mit_b0: 100% of the predicted pixels are sure' in told
    assert 'distilled: ' in told and 'million parameters, in distilled.pth' in told
    config = load_config(command.out / 'distilled.json')
    assert config.model.backbone.type == 'mit_b0'
    assert all(
        step.mean == [123.675, 116.28, 103.53]
        for pipeline in (
            config.data.train.datasets[1].pipeline,
            config.data.test.pipeline[1].transforms,
        )
        for step in pipeline
        if step.type == 'Normalize'
    )
    dataset = build_run_dataset(config, config.data.train)
    taught = dataset.datasets[1].get_gt_seg_map(0)
    assert (taught == np.asarray(Image.open(command.out / 'predictions/c.png'))).all()
    model = init_segmentor(
        str(command.out / 'distilled.json'), command.out / 'distilled.pth', 'cpu'
    )
    (labels,) = inference_segmentor(model, tmp_path / 'field/d.png')
    assert labels.shape == taught.shape

    trained = (command.out / 'distilled/result.json').stat().st_mtime_ns
    assert 'trained already' in command.end('--distil', 'mit_b0')
    assert (command.out / 'distilled/result.json').stat().st_mtime_ns == trained
    told = command.end('--distil', 'efficientnet_lite0', code=1)
    assert '--distil efficientnet_lite0: mit_b0 was distilled here' in told
