import pytest

from mmseg.utils.links import named


@pytest.mark.parametrize('target', ['nowhere', '../nowhere/at all', '/nowhere', 'link'])
def test_named__a_link_that_leads_nowhere_says_where(tmp_path, target):
    link = tmp_path / 'link'
    link.symlink_to(target)
    assert named(link) == f'{link} (a link to {target}, which is not there)'


def test_named__what_is_no_link_is_its_path(tmp_path):
    assert named(tmp_path / 'gone') == f'{tmp_path}/gone'
