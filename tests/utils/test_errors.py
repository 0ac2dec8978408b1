from mmseg.utils.errors import nearest


def test_nearest__names_what_looks_alike():
    assert nearest('mitb6', ['r50', 'mitb5']) == "did you mean 'mitb5'?"


def test_nearest__lists_all_when_none_is_close():
    assert nearest('zzz', ['b', 'a']) == 'available: a, b'
    assert nearest('zzz', []) == 'available: nothing'
