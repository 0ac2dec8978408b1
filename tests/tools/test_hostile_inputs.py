"""Damaged and hostile inputs through convert, train, test and demo.

Each ends well, with a sample skipped and counted, or with one line that says what is wrong; none
with a traceback; and no file that was there before is another one afterwards.
"""

import json
import shutil
import sys
from importlib import import_module
from pathlib import Path

import pytest
import torch

from mmseg.apis import load_config
from mmseg.core.checkpoint import save_checkpoint
from mmseg.datasets.label_conversion import write_statistics
from mmseg.models import build_segmentor
from mmseg.utils.cli import run_cli
from tests.apis.tiny import CLASSES, PALETTE, write_config
from tests.tools.damage import (
    ADAPTATION_VALUES,
    CHECKPOINT_DAMAGES,
    CONFIG_FILES,
    CONFIG_VALUES,
    IMAGE_DAMAGES,
    SPLITS,
    STATISTICS_DAMAGES,
)

ONE_STEP = {
    'runner': {'type': 'IterBasedRunner', 'max_iters': 1},
    'checkpoint_config': {'interval': 9},
    'lr_config': {'policy': 'poly', 'power': 1.0, 'min_lr': 0.0, 'by_epoch': False},
}
CONVERTERS = {
    'gta': ('images/00001.png', 'labels/00001.png'),
    'synthia': ('RGB/00001.png', 'GT/LABELS/00001.png'),
    'cityscapes': (None, 'gtFine/train/a/a_gtFine_labelIds.png'),
}


@pytest.fixture(scope='module')
def original(tmp_path_factory):
    """What is damaged: both domains, their statistics, configs and a checkpoint."""
    folder = tmp_path_factory.mktemp('original')
    for uda in (True, False):
        config = write_config(folder, uda, **ONE_STEP)
        config.write_text(config.read_text().replace(str(folder), 'ROOT'))
    settings = json.loads((folder / 'uda.json').read_text())
    settings['data']['train']['rare_class_sampling'] = {'min_pixels': 5, 'class_temp': 0.5}
    (folder / 'uda.json').write_text(json.dumps(settings))
    labels = {f'source/labels/{i}.png': {str(c): 448 for c in range(5)} for i in range(4)}
    write_statistics(folder / 'source', labels)
    torch.manual_seed(0)
    model = build_segmentor(load_config(folder / 'source_only.json').model)
    model.init_weights()
    model.CLASSES, model.PALETTE = CLASSES, PALETTE
    save_checkpoint(model, folder / 'weights.pth')
    return folder


@pytest.fixture
def place(original, tmp_path):
    """A copy to damage."""
    folder = tmp_path / 'place'
    shutil.copytree(original, folder, symlinks=True)
    for name in ('uda.json', 'source_only.json'):
        (folder / name).write_text((folder / name).read_text().replace('ROOT', str(folder)))
    return folder


@pytest.fixture
def survives(capsys, monkeypatch, place):
    """Runs a tool on the damaged place; returns what it said."""
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    monkeypatch.delenv('DIDA_TRACEBACK', raising=False)
    monkeypatch.chdir(place)

    def survives(tool: str, *arguments: object, may_write: str = 'out') -> str:
        before = contents(place)
        monkeypatch.setattr(sys, 'argv', [tool, *map(str, arguments)])
        capsys.readouterr()
        code = 0
        try:
            run_cli(import_module(f'tools.{tool}').main)
        except SystemExit as end:
            code = end.code
        printed = capsys.readouterr()
        assert 'Traceback' not in printed.out + printed.err
        after = contents(place)
        changed = [p for p in before if before[p] != after.get(p) and may_write not in p.parts]
        assert changed == []
        assert not [p for p in after if '.tmp' in p.name]
        if code == 0:
            return printed.out
        lines = printed.err.strip().splitlines()
        assert code == 1 and lines[-1].startswith('error: ') and len(lines) <= 2, printed.err
        return lines[-1]

    return survives


def contents(folder: Path) -> dict[Path, bytes]:
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob('*')
        if path.is_file() and not path.name.endswith(('.log', '.json.lock'))
    }


def convertible(place: Path, converter: str) -> tuple[Path, Path | None]:
    """Lay two labels out as a converter wants them; return the first and its image."""
    image, label = CONVERTERS[converter]
    for number in (1, 2):
        for kind, name in (('images', image), ('labels', label)):
            if name is not None:
                path = place / 'set' / name.replace('00001', f'0000{number}')
                path = path.with_name(path.name.replace('a_', f'{"ab"[number - 1]}_', 1))
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(place / f'source/{kind}/{number}.png', path)
    return place / 'set' / label, None if image is None else place / 'set' / image


@pytest.mark.parametrize('damage', IMAGE_DAMAGES)
@pytest.mark.parametrize('converter', CONVERTERS)
def test_convert__a_label_that_is(survives, place, converter, damage):
    label, _ = convertible(place, converter)
    IMAGE_DAMAGES[damage](label)
    survives(f'convert_datasets.{converter}', 'set', may_write='nothing')


@pytest.mark.parametrize('damage', IMAGE_DAMAGES)
def test_convert__an_image_that_is(survives, place, damage):
    _, image = convertible(place, 'gta')
    IMAGE_DAMAGES[damage](image)
    said = survives('convert_datasets.gta', 'set', may_write='nothing')
    assert 'labels left out' in said or damage not in ('gone', 'wrong_size')


@pytest.mark.parametrize('damage', STATISTICS_DAMAGES)
@pytest.mark.parametrize('converter', ['gta', 'cityscapes'])
def test_convert__statistics_that_are(survives, place, converter, damage):
    convertible(place, converter)
    survives(f'convert_datasets.{converter}', 'set', may_write='nothing')
    labels = {p: b for p, b in contents(place).items() if p.name.endswith('labelTrainIds.png')}
    STATISTICS_DAMAGES[damage](place / 'set' / 'sample_class_stats.json')
    said = survives(f'convert_datasets.{converter}', 'set', may_write='set')
    assert ('a folder where a file' in said) == (damage == 'a_folder')
    assert labels.items() <= contents(place).items()


@pytest.mark.parametrize('damage', IMAGE_DAMAGES)
@pytest.mark.parametrize('kind', ['images', 'labels'])
def test_train__a_file_that_is(survives, place, kind, damage):
    IMAGE_DAMAGES[damage](place / 'source' / kind / '1.png')
    survives(*train('source_only.json', 'data.samples_per_gpu=4'))


@pytest.mark.parametrize('damage', STATISTICS_DAMAGES)
@pytest.mark.parametrize('name', ['sample_class_stats.json', 'samples_with_class.json'])
def test_train__statistics_that_are(survives, place, name, damage):
    STATISTICS_DAMAGES[damage](place / 'source' / name)
    assert 'rare class sampling needs' in survives(*train('uda.json'))


@pytest.mark.parametrize('damage', CHECKPOINT_DAMAGES)
@pytest.mark.parametrize('option', ['--resume-from', '--load-from'])
def test_train__a_checkpoint_that_is(survives, place, option, damage):
    CHECKPOINT_DAMAGES[damage](place / 'weights.pth')
    said = survives(*train('source_only.json'), option, 'weights.pth')
    assert 'weights.pth' in said and not (place / 'weights.pth.made').exists()


@pytest.mark.parametrize('kind', CONFIG_FILES)
def test_train__a_config_file_that_is(survives, place, kind):
    name, content = CONFIG_FILES[kind]
    (place / 'evil.py').write_text('import os\nos.mkdir("made")')
    (place / 'a.json').write_text('{"a": 1}')
    (place / name).write_bytes(content)
    assert survives(*train(name)).startswith('error: ')
    assert not (place / 'made').exists()


@pytest.mark.parametrize(('key', 'value'), CONFIG_VALUES)
def test_train__a_config_of_wrong_types(survives, place, key, value):
    change(place / 'source_only.json', key, value)
    assert survives('train', 'source_only.json', '--no-validate').startswith('error: ')


@pytest.mark.parametrize(('key', 'value'), ADAPTATION_VALUES)
def test_train__an_adaptation_that_cannot_be_meant(survives, place, key, value):
    change(place / 'uda.json', key, value)
    said = survives(*train('uda.json'))
    assert said.startswith('error: ')
    assert not list(place.glob('out/*.pth'))  # it was known before the first iteration


@pytest.mark.parametrize('kind', SPLITS)
@pytest.mark.parametrize('domain', ['source', 'target'])
def test_train__a_split_file(survives, place, domain, kind):
    content, is_meant = SPLITS[kind]
    (place / domain / 'split.txt').write_bytes(content)
    change(place / 'uda.json', f'data.train.{domain}.split', 'split.txt')
    change(place / 'uda.json', 'data.train.rare_class_sampling', None)
    said = survives(*train('uda.json'))
    assert ('split.txt' in said) != is_meant
    assert said.startswith('error: ') != is_meant


@pytest.mark.parametrize('damage', IMAGE_DAMAGES)
@pytest.mark.parametrize('kind', ['images', 'labels'])
def test_test__a_file_that_is(survives, place, kind, damage):
    IMAGE_DAMAGES[damage](place / 'target' / kind / '1.png')
    survives('test', 'source_only.json', 'weights.pth', '--out', 'out')


@pytest.mark.parametrize('damage', CHECKPOINT_DAMAGES)
def test_test__a_checkpoint_that_is(survives, place, damage):
    CHECKPOINT_DAMAGES[damage](place / 'weights.pth')
    said = survives('test', 'source_only.json', 'weights.pth', '--out', 'out')
    assert said.startswith('error: ') and not (place / 'weights.pth.made').exists()


@pytest.mark.parametrize('damage', IMAGE_DAMAGES)
def test_demo__an_image_that_is(survives, place, damage):
    IMAGE_DAMAGES[damage](place / 'target/images/1.png')
    (image,) = list(place.glob('target/images/[17]*')) or [Path('target/images/1.png')]
    survives('demo', 'source_only.json', 'weights.pth', image, '--out-dir', 'out')


@pytest.mark.parametrize('damage', CHECKPOINT_DAMAGES)
def test_demo__a_checkpoint_that_is(survives, place, damage):
    CHECKPOINT_DAMAGES[damage](place / 'weights.pth')
    image = ('target/images/1.png', '--out-dir', 'out')
    said = survives('demo', 'source_only.json', 'weights.pth', *image)
    assert said.startswith('error: ') and not (place / 'weights.pth.made').exists()


def change(config: Path, key: str, value: object) -> None:
    """Change one setting of a JSON config, which may have to make its sections."""
    settings = json.loads(config.read_text())
    *parents, last = key.split('.')
    section = settings
    for parent in parents:
        section = section.setdefault(parent, {})
    section[last] = value
    config.write_text(json.dumps(settings))


def train(config: str, *options: str) -> tuple[str, ...]:
    words = ('train', config, '--work-dir', 'out', '--no-validate')
    return (*words, '--options', *options) if options else words
