import pytest
from mmcv.utils import Config

from mmseg.apis.work_dir import default_work_dir, find_run, save_config
from mmseg.utils.errors import UserError


def test_find_run__finds_what_a_run_saved(tmp_path):
    text = save_config(Config({'model': {'type': 'X'}}), tmp_path)
    (tmp_path / 'latest.pth').touch()
    assert find_run(tmp_path) == (tmp_path / 'config.json', tmp_path / 'latest.pth')
    assert Config.fromstring(text, '.json').model.type == 'X'


def test_find_run__finds_the_one_config_of_a_released_run(tmp_path):
    for name in ('latest.pth', 'gta2cs.json', '2023.log.json', 'result.json'):
        (tmp_path / name).touch()
    assert find_run(tmp_path)[0] == tmp_path / 'gta2cs.json'


@pytest.mark.parametrize(
    ('names', 'message'),
    [
        (['config.json'], r'holds no latest\.pth'),
        (['latest.pth'], 'found none'),
        (['latest.pth', 'a.json', 'b.py'], r'found a\.json, b\.py'),
    ],
)
def test_find_run__says_what_is_missing(tmp_path, names, message):
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(UserError, match=message):
        find_run(tmp_path)


def test_default_work_dir__is_named_after_the_config():
    assert str(default_work_dir('configs/generated/a_run.json')) == 'work_dirs/a_run'


@pytest.mark.parametrize('link', [None, 'gone.pth', 'latest.pth', '/old/place/iter_9.pth'])
def test_find_run__without_a_latest_the_highest_number_stands_for_it(tmp_path, link):
    for name in ('config.json', 'iter_9.pth', 'iter_10.pth', 'best_mIoU_iter_30.pth', 'mit_b5.pth'):
        (tmp_path / name).touch()
    if link is not None:
        (tmp_path / 'latest.pth').symlink_to(link)
    assert find_run(tmp_path)[1] == tmp_path / 'iter_10.pth'


def test_find_run__links_that_lead_nowhere_say_where(tmp_path):
    (tmp_path / 'config.json').touch()
    (tmp_path / 'latest.pth').symlink_to('iter_9.pth')
    with pytest.raises(UserError, match=r'latest\.pth \(a link to iter_9\.pth, which is not there'):
        find_run(tmp_path)
    (tmp_path / 'link').symlink_to('old')
    with pytest.raises(UserError, match=r'link \(a link to old, which is not there\)'):
        find_run(tmp_path / 'link')


def test_find_run__through_links_to_the_folder_and_to_the_checkpoint(tmp_path):
    run, store = tmp_path / 'run', tmp_path / 'store'
    run.mkdir()
    store.mkdir()
    (run / 'config.json').touch()
    (store / 'w.pth').touch()
    (run / 'latest.pth').symlink_to('../store/w.pth')
    (tmp_path / 'link').symlink_to('run')
    config, checkpoint = find_run(tmp_path / 'link')
    assert config.is_file() and checkpoint.resolve() == store / 'w.pth'
