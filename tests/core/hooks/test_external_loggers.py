"""TensorBoard and Weights & Biases as a config names them, each with its own reader."""

import os
import subprocess
import sys
import types
from pathlib import Path

import pytest
from mmcv.runner import HOOKS

from mmseg.core.building import build_from_cfg
from mmseg.core.hooks import BankHook, DebugPanelHook, EvalHook, TextLoggerHook
from mmseg.utils.errors import UserError
from tests.core.hooks.test_bank_hook import bank
from tests.core.hooks.training import CLASSES, PALETTE, TinySelfTraining, make_runner, train

ROOT = Path(__file__).resolve().parents[3]


def train_with(logger, tmp_path, text_first):
    """Train with a logger before or after the text logger: the order must not matter."""
    scores = {'mIoU': 0.5, 'confusion': [[1, 0], [0, 1]]}
    evaluation = EvalHook(lambda network, name: scores, 2, save_best=None)
    loggers = [TextLoggerHook(2), logger] if text_first else [logger, TextLoggerHook(2)]
    panels = DebugPanelHook(2, CLASSES, PALETTE)
    train(
        make_runner(
            TinySelfTraining(bank(quotas=(2, 2))),
            tmp_path,
            4,
            [BankHook(2), *loggers, panels, evaluation],
        )
    )


@pytest.mark.parametrize('text_first', [True, False])
def test_tensorboard__losses_scores_bank_and_panels(tmp_path, text_first):
    reader = pytest.importorskip(
        'tensorboard.backend.event_processing.event_accumulator',
        reason='tensorboard is not installed',
    )
    logger = build_from_cfg({'type': 'TensorboardLoggerHook', 'interval': 2}, HOOKS)
    train_with(logger, tmp_path, text_first)
    events = reader.EventAccumulator(str(tmp_path / 'tf_logs')).Reload()
    steps = {tag: [event.step for event in events.Scalars(tag)] for tag in events.Tags()['scalars']}
    for tag in ('train/loss', 'train/bank_filled', 'val/student/mIoU', 'val/teacher/mIoU'):
        assert steps[tag] == [2, 4], tag
    assert [event.value for event in events.Scalars('val/student/mIoU')] == [0.5, 0.5]
    assert not any('confusion' in tag for tag in steps)
    assert [event.step for event in events.Images('debug')] == [1, 3]


def test_tensorboard__an_evaluation_made_up_for_by_a_resumed_run(tmp_path):
    reader = pytest.importorskip(
        'tensorboard.backend.event_processing.event_accumulator',
        reason='tensorboard is not installed',
    )
    logger = build_from_cfg({'type': 'TensorboardLoggerHook', 'interval': 2}, HOOKS)
    evaluation = EvalHook(lambda network, name: {'mIoU': 0.5}, 2, save_best=None)
    runner = make_runner(TinySelfTraining(), tmp_path, 4, [TextLoggerHook(2), logger, evaluation])
    runner._iter = runner._inner_iter = 2
    train(runner)
    events = reader.EventAccumulator(str(tmp_path / 'tf_logs')).Reload()
    assert [event.step for event in events.Scalars('val/teacher/mIoU')] == [2, 4]
    assert [event.step for event in events.Scalars('train/loss')] == [4]


def test_tensorboard__iterations_that_are_done_again_are_shown_once(tmp_path):
    reader = pytest.importorskip(
        'tensorboard.backend.event_processing.event_accumulator',
        reason='tensorboard is not installed',
    )
    for start in (0, 2):
        logger = build_from_cfg({'type': 'TensorboardLoggerHook', 'interval': 1}, HOOKS)
        runner = make_runner(
            TinySelfTraining(), tmp_path, 4 - start // 2, [TextLoggerHook(1), logger]
        )
        runner._iter = runner._inner_iter = start
        train(runner)
    events = reader.EventAccumulator(str(tmp_path / 'tf_logs')).Reload()
    assert [event.step for event in events.Scalars('train/loss')] == [1, 2, 3]


@pytest.mark.parametrize(
    ('hook', 'module', 'package'),
    [
        ('TensorboardLoggerHook', 'torch.utils.tensorboard', 'tensorboard'),
        ('WandbLoggerHook', 'wandb', 'wandb'),
        ('MlflowLoggerHook', 'mlflow', 'mlflow'),
        ('NeptuneLoggerHook', 'neptune', 'neptune-client'),
        ('ClearMLLoggerHook', 'clearml', 'clearml'),
        ('DvcliveLoggerHook', 'dvclive', 'dvclive'),
        ('SegmindLoggerHook', 'segmind', 'segmind'),
        ('PaviLoggerHook', 'pavi', 'pavi'),
    ],
)
def test_loggers__where_one_is_missing_the_way_out_is_named(hook, module, package, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UserError, match=f'{hook} needs {package}, .*: pip install {package}, or'):
        build_from_cfg({'type': hook, 'interval': 50, 'by_epoch': False}, HOOKS)


@pytest.mark.parametrize('hook', ['MlflowLoggerHook', 'NeptuneLoggerHook', 'ClearMLLoggerHook'])
def test_loggers__a_setting_that_there_is_not_is_named(hook):
    with pytest.raises(UserError, match=f"{hook} has no setting 'intervall'; did you mean"):
        build_from_cfg({'type': hook, 'intervall': 50}, HOOKS)


@pytest.mark.parametrize('hook', ['TextLoggerHook', 'TensorboardLoggerHook', 'MlflowLoggerHook'])
def test_loggers__epochs_are_not_counted(hook):
    with pytest.raises(UserError, match=rf'{hook}\(by_epoch=True\): training counts iterations'):
        build_from_cfg({'type': hook, 'by_epoch': True}, HOOKS)


@pytest.mark.parametrize('setting', ['ignore_last', 'out_dir', 'interval_exp_name'])
def test_text_logger__what_it_would_not_heed_is_refused(setting):
    with pytest.raises(UserError, match=f"TextLoggerHook has no setting '{setting}'"):
        build_from_cfg({'type': 'TextLoggerHook', setting: 1}, HOOKS)


def service(monkeypatch, name, **members):
    """Put a stand-in for a logger's package where it is imported from."""
    module = types.ModuleType(name)
    vars(module).update(members)
    monkeypatch.setitem(sys.modules, name, module)
    return module


def test_mlflow__steps_count_finished_iterations(tmp_path, monkeypatch):
    told = []
    mlflow = service(monkeypatch, 'mlflow', log_metrics=lambda t, step: told.append((step, set(t))))
    mlflow.pytorch = service(monkeypatch, 'mlflow.pytorch')
    logger = build_from_cfg({'type': 'MlflowLoggerHook', 'interval': 2, 'by_epoch': False}, HOOKS)
    train_with(logger, tmp_path, text_first=True)
    assert [step for step, tags in told if 'train/loss' in tags] == [2, 4]
    assert [step for step, tags in told if 'val/teacher/mIoU' in tags] == [2, 4]


def test_clearml__steps_count_finished_iterations(tmp_path, monkeypatch):
    told = []
    reporter = types.SimpleNamespace(report_scalar=lambda *args: told.append(args))
    task = types.SimpleNamespace(get_logger=lambda: reporter)
    clearml = service(monkeypatch, 'clearml')
    clearml.Task = types.SimpleNamespace(init=lambda **_: task)
    logger = build_from_cfg({'type': 'ClearMLLoggerHook', 'interval': 2}, HOOKS)
    train_with(logger, tmp_path, text_first=False)
    assert [step for tag, _, _, step in told if tag == 'train/loss'] == [2, 4]
    assert [step for tag, _, _, step in told if tag == 'val/student/mIoU'] == [2, 4]


RUN = """
import sys
from pathlib import Path
from mmcv.runner import HOOKS
from mmseg.core.building import build_from_cfg
from tests.core.hooks.test_external_loggers import train_with
folder = Path(sys.argv[1])
settings = {
    'WandbLoggerHook': {'init_kwargs': {'project': 'dida', 'dir': str(folder)}},
    'MlflowLoggerHook': {'exp_name': 'dida', 'params': {'seed': 7}},
}[sys.argv[2]]
logger = build_from_cfg({'type': sys.argv[2], 'interval': 2, **settings}, HOOKS)
train_with(logger, folder / 'run', text_first=True)
"""


def train_in_a_process(logger, folder, **environment):
    """Train with a logger whose client is the real one, which leaves threads and hooks behind."""
    done = subprocess.run(
        [sys.executable, '-c', RUN, str(folder), logger],
        cwd=ROOT,
        env={**os.environ, **environment, 'PYTHONPATH': _python_path()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_wandb__offline_the_run_is_on_disk(tmp_path):
    pytest.importorskip('wandb', reason='wandb is not installed')
    train_in_a_process('WandbLoggerHook', tmp_path, WANDB_MODE='offline')
    (log,) = tmp_path.glob('wandb/offline-run-*/run-*.wandb')
    content = log.read_bytes()
    assert all(tag in content for tag in (b'train/loss', b'val/teacher/mIoU', b'bank_filled'))


def test_mlflow__without_a_server_the_run_is_on_disk(tmp_path, monkeypatch):
    mlflow = pytest.importorskip('mlflow', reason='mlflow is not installed')
    store = (tmp_path / 'mlruns').as_uri()
    monkeypatch.setenv('MLFLOW_ALLOW_FILE_STORE', 'true')  # folders have to be asked for
    train_in_a_process('MlflowLoggerHook', tmp_path, MLFLOW_TRACKING_URI=store)
    client = mlflow.MlflowClient(store)
    (run,) = client.search_runs([client.get_experiment_by_name('dida').experiment_id])
    assert run.data.params == {'seed': '7'}
    for tag in ('train/loss', 'train/bank_filled', 'val/student/mIoU', 'val/teacher/mIoU'):
        history = client.get_metric_history(run.info.run_id, tag)
        assert [point.step for point in history] == [2, 4], tag


def _python_path():
    return os.pathsep.join([str(ROOT), *filter(None, [os.environ.get('PYTHONPATH')])])
