"""A loss term from outside, written as CONTRIBUTING.md has it, in whole runs of training."""

import json
import re
import sys
from pathlib import Path

import pytest
import torch

from benchmarks.run_comparison import run_differences
from mmseg.core.checkpoint import read_checkpoint
from mmseg.models import TERMS
from mmseg.models.uda import Term
from mmseg.utils.cli import run_cli
from tests.apis.tiny import write_config
from tools import train

GUIDE = (Path(__file__).resolve().parents[2] / 'CONTRIBUTING.md').read_text(encoding='utf-8')
RECIPE = GUIDE[GUIDE.index('\n### A loss term\n') :]
TERM, CONFIG = re.findall(r'```python\n(.*?)```', RECIPE, re.DOTALL)[:2]


@TERMS.register_module()
class KeepsSourceNear(Term):
    """Keeps probabilities of the source near what they were on average so far."""

    name = 'near'

    def __init__(self, student):
        super().__init__(student)
        self.register_buffer('mean', torch.full((student.num_classes,), 1 / student.num_classes))

    def source_losses(self, step, source):
        shares = source.logits.softmax(1).mean((0, 2, 3))
        return {'near.loss': (shares - self.mean).square().sum(), 'near.share': shares[0]}

    def observe_source(self, step, embedding):
        self.mean.lerp_(torch.rand(5, generator=self.draws(step)), 0.5)


def train_in(folder, config, *arguments):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.cuda, 'is_available', lambda: False)
        words = ['train', config, '--work-dir', folder, '--deterministic', *arguments]
        patch.setattr(sys, 'argv', [*map(str, words)])
        run_cli(train.main)
    torch.use_deterministic_algorithms(False)


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    """The recipe's files, its config standing on a tiny run, and the work dir of its training."""
    folder = tmp_path_factory.mktemp('recipe')
    base = write_config(
        folder,
        uda=True,
        runner={'type': 'IterBasedRunner', 'max_iters': 4},
        checkpoint_config={'by_epoch': False, 'interval': 2},
        evaluation={'interval': 4, 'metric': 'mIoU'},
    )
    (folder / 'my_parts').mkdir()
    (folder / 'my_parts/__init__.py').touch()
    (folder / 'my_parts/hidden_rows.py').write_text(TERM)
    with_term = re.sub(r"_base_ = '.*'", f"_base_ = '{base}'", CONFIG)
    config = folder / 'with_hidden_rows.py'
    more = "uda['terms'].append(dict(type='KeepsSourceNear'))\nuda['pseudo_threshold'] = 0.2\n"
    config.write_text(with_term + more)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        train_in(folder / 'run', config)
        yield folder
    TERMS.module_dict.pop('HiddenRows')
    sys.modules.pop('my_parts.hidden_rows')
    sys.modules.pop('my_parts')


def logged(work_dir):
    (log,) = work_dir.glob('*.log.json')
    lines = [json.loads(line) for line in log.read_text().splitlines()[1:]]
    return [line for line in lines if line['mode'] == 'train']


def test_terms__their_losses_stand_in_the_log_and_in_the_sum(whole):
    lines = logged(whole / 'run')
    assert len(lines) == 4
    for line in lines:
        assert line['hidden.decode.loss_seg'] >= 0 and line['near.loss'] > 0
        assert 0 <= line['near.share'] <= 1
        parts = [value for name, value in line.items() if 'loss' in name and name != 'loss']
        assert line['loss'] == pytest.approx(sum(parts), rel=1e-4)
    assert any(line['hidden.decode.loss_seg'] > 0 for line in lines)


def test_terms__keep_their_state_in_checkpoints_under_their_name(whole):
    state = read_checkpoint(whole / 'run/iter_4.pth')['state_dict']
    prefixes = {name.split('.')[0] for name in state}
    assert prefixes == {'model', 'ema_model', 'teacher', 'instance', 'near'}
    assert not torch.equal(state['near.mean'], torch.full((5,), 0.2))


def test_terms__a_run_that_goes_on_ends_as_one_that_never_stopped(whole, tmp_path):
    first = whole / 'run/iter_2.pth'
    train_in(tmp_path, whole / 'with_hidden_rows.py', '--options', f'resume_from={first}')
    theirs = run_differences(whole / 'run', tmp_path, 'iter_4.pth')
    assert [place for place in theirs if not place.startswith('logged')] == []
    assert logged(tmp_path)[-1]['loss'] == logged(whole / 'run')[-1]['loss']
