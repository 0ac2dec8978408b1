"""A work dir that holds a run is not trained in anew without a word."""

import json
import sys

import pytest
from mmcv.utils import Config

from mmseg.apis.claim import claim_work_dir, config_differences
from mmseg.utils.command import VARIABLE
from mmseg.utils.errors import UserError


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A work dir in use; returns how to claim it with changed settings."""
    monkeypatch.setattr(sys, 'argv', ['tools/train.py', 'c.json', '--gpu', '0'])
    monkeypatch.delenv(VARIABLE, raising=False)
    work_dir = tmp_path / 'run'
    work_dir.mkdir()
    settings = {
        'data': {'train': {'source': {'split': 'suffix.txt'}}, 'samples_per_gpu': 2},
        'optimizer': {'lr': 6e-5},
        'seed': 0,
        'work_dir': str(work_dir),
    }
    (work_dir / 'config.json').write_text(json.dumps(settings))
    (work_dir / 'iter_4.pth').write_text('x')

    def claim(changes=None, **how):
        claim_work_dir(Config({**settings, **(changes or {})}), **how)

    claim.work_dir = work_dir
    return claim


def test_claim__names_the_three_ways_out(run):
    with pytest.raises(UserError) as caught:
        run()
    message = str(caught.value)
    assert f'{run.work_dir} holds a run already (iter_4.pth); its config is the same.' in message
    assert 'Go on with it: python tools/train.py c.json --gpu 0 --resume;' in message
    assert 'replace it: python tools/train.py c.json --gpu 0 --overwrite;' in message
    assert 'another --work-dir' in message


def test_claim__names_the_script_that_the_user_began_with(run, monkeypatch):
    monkeypatch.setenv(VARIABLE, 'sh\nrun_config.sh\nc.json\n0')
    with pytest.raises(
        UserError, match=r'sh run_config\.sh c\.json 0 --resume; replace it: sh run'
    ):
        run()


@pytest.mark.parametrize(
    ('changes', 'told'),
    [
        ({'seed': 3}, 'seed: 0 there, 3 here'),
        (
            {'data': {'train': {'source': {'split': 'pairs.txt'}}, 'samples_per_gpu': 2}},
            "data.train.source.split: 'suffix.txt' there, 'pairs.txt' here",
        ),
        ({'optimizer': {'lr': 0.0002}}, 'optimizer.lr: 6e-05 there, 0.0002 here'),
        ({'load_from': 'w.pth'}, "load_from: nothing there, 'w.pth' here"),
        (
            {str(i): i for i in range(9)},
            '4: nothing there, 4 here, and 4 more',
        ),
    ],
)
def test_claim__names_what_differs_key_by_key(run, changes, told):
    with pytest.raises(UserError) as caught:
        run(changes)
    assert f'{told}. ' in str(caught.value)


def test_config_differences__lists_are_compared_item_by_item_where_they_are_as_long():
    there = {'pipeline': [{'type': 'Resize', 'img_scale': [2, 1]}, {'type': 'Pad'}], 'a': [1, 2]}
    here = {'pipeline': [{'type': 'Resize', 'img_scale': [4, 1]}, {'type': 'Pad'}], 'a': [1]}
    assert list(config_differences(there, here)) == [
        'pipeline.0.img_scale.0: 2 there, 4 here',
        'a: [1, 2] there, [1] here',
    ]


def test_config_differences__where_a_run_is_and_what_nobody_set_are_none():
    there = {'work_dir': 'a', 'git_rev': '1', 'resume_from': 'x', 'load_from': None}
    assert list(config_differences(there, {'work_dir': 'b'})) == []


def test_claim__what_is_said_of_the_run_there_is_heard(run):
    run(auto_resume=True)
    run(overwrite=True)
    run({'resume_from': f'{run.work_dir}/iter_4.pth'})
    run({'work_dir': f'{run.work_dir}_2'})


def test_claim__a_link_to_the_work_dir_is_the_work_dir(run, tmp_path):
    link = tmp_path / 'link'
    link.symlink_to(run.work_dir)
    run({'work_dir': str(link), 'resume_from': f'{run.work_dir}/iter_4.pth'})
    with pytest.raises(UserError, match='holds a run already'):
        run({'work_dir': str(link)})


def test_claim__another_runs_checkpoint_does_not_go_on_here(run, tmp_path):
    (tmp_path / 'iter_9.pth').write_text('x')
    with pytest.raises(UserError, match=r'iter_9\.pth is not of it'):
        run({'resume_from': str(tmp_path / 'iter_9.pth')})


@pytest.mark.parametrize(
    ('changes', 'how', 'told'),
    [
        ({}, {'auto_resume': True}, 'removes the run that --resume would go on with'),
        ({'resume_from': 'x.pth'}, {}, 'begins anew, and resume_from goes on'),
    ],
)
def test_claim__overwriting_and_going_on_exclude_each_other(run, changes, how, told):
    with pytest.raises(UserError, match=told):
        run(changes, overwrite=True, **how)


def test_claim__weights_that_would_be_removed_are_kept(run, tmp_path):
    with pytest.raises(UserError, match=r'would remove .*iter_4\.pth, which load_from names'):
        run({'load_from': f'{run.work_dir}/iter_4.pth'}, overwrite=True)
    (tmp_path / 'w.pth').write_text('x')
    run({'load_from': str(tmp_path / 'w.pth')}, overwrite=True)


def test_claim__without_a_config_there_it_says_so(run):
    (run.work_dir / 'config.json').unlink()
    with pytest.raises(UserError, match=r'it has no config\.json to compare with'):
        run()


def test_claim__a_moved_run_is_not_begun_at_its_old_place(run, tmp_path):
    moved = run.work_dir.rename(tmp_path / 'moved')
    cfg = Config.fromfile(str(moved / 'config.json'))
    with pytest.raises(UserError, match=f'give --work-dir {moved} too'):
        claim_work_dir(cfg, auto_resume=True)
    cfg.work_dir = str(moved)
    claim_work_dir(cfg, auto_resume=True)
    cfg.work_dir = str(tmp_path / 'another')
    claim_work_dir(cfg)
