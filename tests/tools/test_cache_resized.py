import sys

import pytest

from mmseg.utils.errors import UserError
from tests.apis.tiny import write_config
from tools import cache_resized


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, 'argv', ['cache_resized.py', *map(str, arguments), '--nproc=1'])
    cache_resized.main()


def entries(folder):
    return sorted(folder.rglob('*.npy'))


def test_main__says_how_much_it_takes_then_writes_what_is_missing(tmp_path, monkeypatch, capsys):
    config, out = write_config(tmp_path, uda=True), tmp_path / 'resized'
    run(monkeypatch, config, '--out', out, '--dry-run')
    assert not out.exists()
    assert 'source/images: 4 of 4 to write' in capsys.readouterr().out
    run(monkeypatch, config, '--out', out)
    assert len(entries(out)) == 4 + 3
    times = [path.stat().st_mtime_ns for path in entries(out)]
    entries(out)[0].unlink()
    run(monkeypatch, config, '--out', out)
    assert '1 of ' in capsys.readouterr().out
    assert [path.stat().st_mtime_ns for path in entries(out)][1:] == times[1:]


def test_main__an_unreadable_image_is_passed_over(tmp_path, monkeypatch, capsys):
    config, out = write_config(tmp_path), tmp_path / 'resized'
    (tmp_path / 'source/images/2.png').write_bytes(b'no image')
    run(monkeypatch, config, '--out', out)
    assert '1 images cannot be read' in capsys.readouterr().out
    assert len(entries(out)) == 3


def test_main__a_disk_too_small_is_refused_before_anything_is_written(tmp_path, monkeypatch):
    usage = type('Usage', (), {'free': 100})
    monkeypatch.setattr(cache_resized.shutil, 'disk_usage', lambda _: usage)
    with pytest.raises(UserError, match='too little room'):
        run(monkeypatch, write_config(tmp_path), '--out', tmp_path / 'resized')
    assert not (tmp_path / 'resized').exists()
