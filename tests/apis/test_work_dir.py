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
