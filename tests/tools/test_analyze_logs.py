import json
import sys

import cv2
import pytest

from mmseg.utils.errors import UserError
from tests.report.work_dirs import write_mmsegmentation_run
from tools import analyze_logs


def write_log(path, iterations, offset=0.0, lines=()):
    records = [{'seed': 0}]
    for i in iterations:
        records.append({'mode': 'train', 'iter': i, 'loss': 1 / i + offset, 'time': 0.5, 'lr': 1})
    networks = {'student': {'mIoU': 0.2, 'IoU.road': None}, 'teacher': {'mIoU': 0.3}}
    records.append({'mode': 'val', 'iter': iterations[-1], **networks})
    path.parent.mkdir(exist_ok=True)
    path.write_text('\n'.join([*map(json.dumps, records), *lines]) + '\n')
    return path


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Runs the tool, its picture in the temporary folder."""

    def run(*arguments):
        out = str(tmp_path / 'curves.png')
        monkeypatch.setattr(sys, 'argv', ['analyze_logs', *map(str, arguments), '--out', out])
        analyze_logs.main()
        return cv2.imread(out)

    return run


def test_read_curves__training_values_and_metrics_by_network(tmp_path):
    curves = analyze_logs.read_curves([write_log(tmp_path / 'a.log.json', [1, 2])])
    assert curves['loss'] == [(1, 1.0), (2, 0.5)]
    assert curves['mIoU student'] == [(2, 0.2)] and curves['mIoU teacher'] == [(2, 0.3)]
    assert 'IoU.road student' not in curves and 'mode' not in curves


def test_read_curves__iterations_done_again_count_once(tmp_path):
    logs = [write_log(tmp_path / '1.log.json', [1, 2, 3])]
    logs.append(write_log(tmp_path / '2.log.json', [3, 4], offset=1.0))
    assert analyze_logs.read_curves(logs)['loss'] == [(1, 1), (2, 0.5), (3, 1 / 3 + 1), (4, 1.25)]


def test_analyze_logs__a_panel_for_each_key_and_the_speed_of_each_run(run, tmp_path, capsys):
    for name in ('a', 'b'):
        write_log(tmp_path / name / '1.log.json', [1, 2])
    two = run(tmp_path / 'a', tmp_path / 'b')
    three = run(tmp_path / 'a', tmp_path / 'b', '--keys', 'loss', 'mIoU', 'lr')
    assert three.shape[0] * 2 == two.shape[0] * 3 and three.std() > 0
    assert 'a: 0.500 s/it\nb: 0.500 s/it\n' in capsys.readouterr().out


def test_analyze_logs__mistakes_are_named(run, tmp_path):
    log = write_log(tmp_path / 'a.log.json', [1, 2])
    with pytest.raises(UserError, match=r"the log has no 'los'; did you mean 'loss'"):
        run(log, '--keys', 'los')
    with pytest.raises(UserError, match=r'no \*.log.json in'):
        run(tmp_path / 'gone')
    with pytest.raises(UserError, match=r'--legend: expected 2 different names'):
        run(log, log)
    broken = write_log(tmp_path / 'b.log.json', [1], lines=['{"mode": '])
    with pytest.raises(UserError, match=r'b.log.json, line 4: not JSON'):
        run(broken)


def test_analyze_logs__without_keys_the_loss_and_what_all_runs_were_evaluated_by(run, tmp_path):
    write_mmsegmentation_run(tmp_path / 'iou')
    write_mmsegmentation_run(tmp_path / 'dice', kinds=('Dice', 'Acc'))
    write_mmsegmentation_run(tmp_path / 'both', kinds=('IoU', 'Dice'))
    paths = {name: tmp_path / name for name in ('iou', 'dice', 'both')}
    curves = {n: analyze_logs.read_curves(analyze_logs.find_logs(p)) for n, p in paths.items()}
    by_runs = {
        ('iou',): ['loss', 'mIoU'],
        ('dice',): ['loss', 'mDice'],
        ('both', 'dice'): ['loss', 'mDice'],
        ('iou', 'dice'): ['loss'],
    }
    for names, keys in by_runs.items():
        assert analyze_logs.default_keys({name: curves[name] for name in names}) == keys
        assert run(*(paths[name] for name in names)).std() > 0
