import sys

import cv2
import numpy as np
import pytest

from mmseg.models import EncoderDecoder
from mmseg.utils.errors import UserError
from tests.apis import tiny
from tools.test import benchmark_images, main

WINDOW = ('crop_size=32', 'stride=48')


def test_benchmark_images__stand_in_a_folder_beside_validation():
    val = {'type': 'CityscapesDataset', 'img_dir': 'leftImg8bit/val', 'ann_dir': 'gtFine/val'}
    assert benchmark_images(val) == {**val, 'img_dir': 'leftImg8bit/test', 'ann_dir': None}


def test_benchmark_images__are_a_part_of_acdc():
    val = {'img_dir': 'rgb_anon', 'part': 'val', 'ann_dir': 'gt'}
    assert benchmark_images(val) == {'img_dir': 'rgb_anon', 'part': 'test', 'ann_dir': None}


def test_benchmark_images__sets_without_a_benchmark_are_named():
    with pytest.raises(UserError, match="--test-set: expected a folder or part 'val'"):
        benchmark_images({'img_dir': 'images'})


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    return tiny.write_run(tmp_path_factory.mktemp('run'))


@pytest.fixture
def call(monkeypatch, capsys, run, tmp_path):
    """Test the run in this process; return the words of each line that was printed."""

    def test(*arguments):
        out = ('--out', str(tmp_path / 'preds'))
        monkeypatch.setattr(sys, 'argv', ['test', str(run), *out, *map(str, arguments)])
        capsys.readouterr()
        main()
        return [line.split() for line in capsys.readouterr().out.splitlines()]

    return test


def counted(run, tmp_path):
    """Count true and predicted classes from the files that testing wrote."""
    counts = np.zeros((5, 5))
    for index in range(3):
        pred = cv2.imread(str(tmp_path / f'preds/{index}_labels.png'), cv2.IMREAD_UNCHANGED)
        true = cv2.imread(str(run / f'target/labels/{index}.png'), cv2.IMREAD_UNCHANGED)
        known = true < 5
        np.add.at(counts, (true[known], pred[known]), 1)
    return counts


@pytest.mark.parametrize('asked', [['mDice', 'mFscore'], ['mFscore'], ['mIoU', 'mDice']])
def test_test__scores_that_were_asked_for_are_those_of_the_files(call, run, tmp_path, asked):
    lines = call('--eval', *asked)
    counts = counted(run, tmp_path)
    true, pred, hit = counts.sum(1), counts.sum(0), counts.diagonal()
    with np.errstate(invalid='ignore', divide='ignore'):
        precision, recall = hit / pred, hit / true
        values = {
            'IoU': hit / (true + pred - hit),
            'Acc': recall,
            'Dice': 2 * hit / (true + pred),
            'Fscore': 2 * precision * recall / (precision + recall),
            'Precision': precision,
            'Recall': recall,
        }
    (head,) = [line for line in lines if line[:1] == ['class']]
    own = {'mIoU': {'IoU', 'Acc'}, 'mDice': {'Dice', 'Acc'}}
    wanted = set().union(*(own.get(m, {'Fscore', 'Precision', 'Recall'}) for m in asked))
    assert set(head[1:]) == wanted
    rows = {line[0]: line[1:] for line in lines if line}
    for index, name in enumerate(tiny.CLASSES):
        cells = [values[kind][index] for kind in head[1:]]
        assert rows[name] == ['-' if np.isnan(v) else f'{100 * v:.2f}' for v in cells]
    for kind in head[1:]:
        assert rows[f'm{kind}'] == [f'{100 * np.nanmean(values[kind]):.2f}']
    assert 'Dice' in (tmp_path / 'preds/pre_log.out').read_text() or 'mDice' not in asked


def test_test__windows_follow_the_training_crop(call, run, tmp_path, monkeypatch):
    seen = set()
    encode = EncoderDecoder.encode_decode
    monkeypatch.setattr(
        EncoderDecoder,
        'encode_decode',
        lambda self, img, metas: seen.add(tuple(img.shape[2:])) or encode(self, img, metas),
    )
    maps = []
    for more in ((), ('model.test_cfg.crop_size=[32,48]', 'model.test_cfg.stride=[21,32]')):
        call('--options', 'model.test_cfg.mode=slide', *more)
        assert seen == {tuple(tiny.CROP)}
        maps.append([(tmp_path / f'preds/{i}_labels.png').read_bytes() for i in range(3)])
    assert maps[0] == maps[1]


def test_test__images_without_labels_are_predicted_and_said_to_be_without(call, tmp_path):
    lines = call('--options', 'data.test.ann_dir=None')
    assert lines[-2][:3] == ['nothing', 'was', 'evaluated:']
    assert len(list((tmp_path / 'preds').glob('*_labels.png'))) == 3
    with pytest.raises(UserError, match=r'--eval mIoU: the images below .* without labels'):
        call('--options', 'data.test.ann_dir=None', '--eval', 'mIoU')


def test_test__labels_that_are_all_ignored_give_no_score(call, run, tmp_path):
    (tmp_path / 'ignored').mkdir()
    for index in range(3):
        ignored = np.full((40, 56), 255, np.uint8)
        cv2.imwrite(str(tmp_path / f'ignored/{index}.png'), ignored)
    lines = call('--options', f'data.test.ann_dir={tmp_path}/ignored', '--eval', 'mIoU', 'mDice')
    assert ['mIoU', '-'] in lines and ['mDice', '-'] in lines and ['aAcc', '-'] in lines
    assert any(line[:4] == ['nothing', 'could', 'be', 'evaluated:'] for line in lines)


@pytest.mark.parametrize(
    ('arguments', 'told'),
    [
        (['--eval', 'mIou'], "there is no metric 'mIou'; available: mIoU, mDice, mFscore"),
        (['--eval', 'dice', 'mIoU'], "there is no metric 'dice'"),
        (['--format-only', '--eval', 'mIoU'], '--eval mIoU: .*--format-only'),
        (
            ['--options', *(f'model.test_cfg.{o}' for o in ('mode=slide', *WINDOW))],
            'stride .48, 48. is larger than crop_size',
        ),
        (
            ['--options', 'data.test.classes=[a,b,c,d,e]', 'data.test.extra_means=None'],
            "class 0 is 'road' in the checkpoint .* and 'a' in the data set CustomDataset",
        ),
        (
            ['--options', 'model.decode_head.num_classes=7'],
            r'the checkpoint .* has 5 .*, the head .model.decode_head.num_classes. has 7',
        ),
    ],
)
def test_test__mistakes_are_told_before_an_image_is_read(call, arguments, told, monkeypatch):
    def never(*_):
        raise AssertionError('an image was read')

    monkeypatch.setattr('mmseg.datasets.pipelines.loading.read_image', never)
    with pytest.raises(UserError, match=told):
        call(*arguments)


def test_test__calibration_of_each_class_is_told_and_drawn(call, tmp_path):
    lines = call('--calibration')
    (summary,) = [line for line in lines if line[:1] == ['ECE']]
    assert summary[2] == 'NLL' and summary[4:6] == ['Brier', 'score']
    (whole,) = [line for line in lines if line[:2] == ['all', 'pixels']]
    assert whole[2] == summary[1].rstrip('%,') and len(whole) == 14
    told = (tmp_path / 'preds/calibration.out').read_text()
    assert told.startswith('ECE ')
    assert cv2.imread(str(tmp_path / 'preds/calibration.png')).std() > 10


def test_test__calibration_needs_labels(call):
    with pytest.raises(UserError, match='--calibration: the images are tested without labels'):
        call('--calibration', '--format-only')
