"""Downloads from a host on this machine that fails as real hosts do."""

import hashlib

import pytest

from mmseg.utils import download as module
from mmseg.utils.download import (
    DownloadError,
    Expected,
    download,
    downloaded,
    is_reachable,
    sha256_of,
)
from tests.file_server import file_server

CONTENT = bytes(range(256)) * 4096
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def host(monkeypatch):
    monkeypatch.setattr(module, '_PAUSE_S', 0)
    with file_server() as server:
        server.files['/w.pth'] = CONTENT
        yield server


def leftovers(folder):
    return sorted(path.name for path in folder.iterdir())


def test_download__a_whole_file_and_nothing_beside_it(host, tmp_path):
    known = download(host.url('/w.pth'), tmp_path / 'new' / 'w.pth')
    assert (tmp_path / 'new' / 'w.pth').read_bytes() == CONTENT
    assert leftovers(tmp_path / 'new') == ['w.pth']
    assert known == Expected(len(CONTENT), None)


def test_download__published_size_and_hash_are_met(host, tmp_path):
    expected = Expected(len(CONTENT), SHA256)
    assert download(host.url('/w.pth'), tmp_path / 'w.pth', expected) == expected
    assert sha256_of(tmp_path / 'w.pth') == SHA256


@pytest.mark.parametrize(
    ('expected', 'error'),
    [
        (Expected(size=5), f'expected 5 bytes, got {len(CONTENT)}'),
        (Expected(sha256='0' * 64), f'expected SHA-256 {"0" * 64}, got {SHA256}'),
    ],
)
def test_download__what_was_not_published_is_thrown_away(host, tmp_path, expected, error):
    with pytest.raises(DownloadError, match=error):
        download(host.url('/w.pth'), tmp_path / 'w.pth', expected)
    assert leftovers(tmp_path) == []


def test_download__goes_on_by_itself_where_the_connection_broke(host, tmp_path):
    host.break_after['/w.pth'] = 300_000
    download(host.url('/w.pth'), tmp_path / 'w.pth', Expected(sha256=SHA256))
    assert host.requests == [('/w.pth', None), ('/w.pth', 'bytes=300000-')]


def broken_off(host, folder, monkeypatch):
    """Leave a partial file behind, as a lost connection does for good."""
    monkeypatch.setattr(module, '_NUM_TRIES', 1)
    host.break_after['/w.pth'] = 300_000
    with pytest.raises(DownloadError, match=r'broke off after 300000 of 1048576 .* goes on from'):
        download(host.url('/w.pth'), folder / 'w.pth')
    monkeypatch.undo()
    monkeypatch.setattr(module, '_PAUSE_S', 0)
    assert leftovers(folder) == ['w.pth.part', 'w.pth.part.etag']
    host.requests.clear()


def test_download__the_next_command_goes_on(host, tmp_path, monkeypatch):
    broken_off(host, tmp_path, monkeypatch)
    download(host.url('/w.pth'), tmp_path / 'w.pth')
    assert host.requests == [('/w.pth', 'bytes=300000-')]
    assert (tmp_path / 'w.pth').read_bytes() == CONTENT
    assert leftovers(tmp_path) == ['w.pth']


def test_download__a_file_that_changed_meanwhile_is_begun_anew(host, tmp_path, monkeypatch):
    broken_off(host, tmp_path, monkeypatch)
    host.files['/w.pth'] = CONTENT[::-1]
    download(host.url('/w.pth'), tmp_path / 'w.pth')
    assert (tmp_path / 'w.pth').read_bytes() == CONTENT[::-1]


def test_download__a_host_without_ranges_is_begun_anew(host, tmp_path, monkeypatch):
    broken_off(host, tmp_path, monkeypatch)
    host.deaf_to_ranges = True
    download(host.url('/w.pth'), tmp_path / 'w.pth')
    assert (tmp_path / 'w.pth').read_bytes() == CONTENT


def test_download__a_part_with_nothing_left_to_fetch_is_begun_anew(host, tmp_path, monkeypatch):
    broken_off(host, tmp_path, monkeypatch)
    (tmp_path / 'w.pth.part').write_bytes(CONTENT)
    download(host.url('/w.pth'), tmp_path / 'w.pth')
    assert (tmp_path / 'w.pth').read_bytes() == CONTENT


def test_download__a_missing_file_is_not_asked_for_twice(host, tmp_path):
    with pytest.raises(DownloadError, match='/absent answers 404 Not Found'):
        download(host.url('/absent'), tmp_path / 'w.pth')
    assert len(host.requests) == 1 and leftovers(tmp_path) == []


def test_download__a_web_page_is_not_taken_for_the_file(host, tmp_path):
    host.web_pages.add('/w.pth')
    with pytest.raises(DownloadError, match='sends a web page'):
        download(host.url('/w.pth'), tmp_path / 'w.pth')
    assert leftovers(tmp_path) == []


def test_download__a_host_that_is_not_there(tmp_path):
    with file_server() as server:
        url = server.url('/w.pth')
    with pytest.raises(DownloadError, match='refused'):
        download(url, tmp_path / 'w.pth')


def linked(sha256):
    return {'X-Linked-Size': str(len(CONTENT)), 'X-Linked-ETag': f'"{sha256}"'}


def test_download__a_hash_that_the_host_states_is_checked(host, tmp_path):
    host.linked['/w.pth'] = linked(SHA256)
    known = download(host.url('/w.pth'), tmp_path / 'w.pth')
    assert known == Expected(len(CONTENT), SHA256)
    host.linked['/w.pth'] = linked('f' * 64)
    with pytest.raises(DownloadError, match='expected SHA-256 f'):
        download(host.url('/w.pth'), tmp_path / 'other.pth')


def test_downloaded__a_file_that_is_there_is_not_asked_for(host, tmp_path):
    for _ in range(2):
        assert downloaded(host.url('/w.pth'), tmp_path / 'new' / 'w.pth').read_bytes() == CONTENT
    assert len(host.requests) == 1


def test_download__the_first_digits_of_a_hash_are_met(host, tmp_path):
    download(host.url('/w.pth'), tmp_path / 'w.pth', Expected(sha256=SHA256[:8]))
    with pytest.raises(DownloadError, match='expected SHA-256 00000000'):
        download(host.url('/w.pth'), tmp_path / 'v.pth', Expected(sha256='0' * 8))


def test_is_reachable__a_host_that_does_not_exist():
    assert not is_reachable('https://host.invalid/weights.pth')
