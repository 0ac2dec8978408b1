"""A package of somebody else: a backbone, a head, a hook and a data set, and runs with them."""

import json
import sys
from importlib import import_module
from pathlib import Path

from tests.apis.tiny import CLASSES, PALETTE, write_config

NAME = 'dida_toy'
_INIT = 'from . import data, hook, network\n'
_NETWORK = '''
import torch
from mmcv.cnn import ConvModule
from torch import nn

from mmseg.models import BACKBONES, HEADS
from mmseg.models.decode_heads import BaseDecodeHead


@BACKBONES.register_module()
class ToyBackbone(nn.Module):
    """Two maps, of stride 4 and 8."""

    out_channels = (8, 16)

    def __init__(self):
        super().__init__()
        self.first = ConvModule(3, 8, 4, stride=4)
        self.second = ConvModule(8, 16, 3, stride=2, padding=1)

    def init_weights(self):
        nn.init.constant_(self.first.conv.bias, 0.1)

    def forward(self, images):
        first = self.first(images)
        return [first, self.second(first)]


@HEADS.register_module()
class ToyHead(BaseDecodeHead):
    """One layer on the finer map."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.layer = nn.Conv2d(self.in_channels, self.channels, 1)

    def embed(self, inputs):
        return torch.relu(self.layer(self._transform_inputs(inputs)))
'''
_HOOK = '''
from pathlib import Path

from mmcv.runner import HOOKS, Hook


@HOOKS.register_module()
class ToyHook(Hook):
    """Notes every iteration in the work dir."""

    def after_train_iter(self, runner):
        with open(Path(runner.work_dir) / 'noted.txt', 'a') as file:
            file.write(f'{runner.iter + 1}\\n')
'''
_DATA = f'''
from mmseg.datasets import DATASETS, CustomDataset


@DATASETS.register_module()
class ToyDataset(CustomDataset):
    """Stripes."""

    CLASSES = {CLASSES}
    PALETTE = {PALETTE}
'''


def write_package(folder: Path, is_installed: bool = False) -> Path:
    """Write the package into a folder to be put on Python's path; return that folder.

    Args:
        folder: Where; made if missing.
        is_installed: Whether it comes as pip leaves it, with an entry point.
    """
    package = folder / NAME
    package.mkdir(parents=True)
    files = {'__init__': _INIT, 'network': _NETWORK, 'hook': _HOOK, 'data': _DATA}
    for name, text in files.items():
        (package / f'{name}.py').write_text(text)
    if is_installed:
        facts = folder / 'dida_toy-1.0.dist-info'
        facts.mkdir()
        (facts / 'METADATA').write_text('Metadata-Version: 2.1\nName: dida-toy\nVersion: 1.0\n')
        (facts / 'entry_points.txt').write_text(f'[dida.plugins]\ntoy = {NAME}\n')
    return folder


def write_toy_config(folder: Path, **changes: object) -> Path:
    """Write a config that trains the package's network on its data set, its hook looking on."""
    path = write_config(folder)
    config = json.loads(path.read_text())
    head = {'type': 'ToyHead', 'channels': 4, 'num_classes': 5, 'in_index': 0}
    config['model'] = {
        '_delete_': True,
        'type': 'EncoderDecoder',
        'backbone': {'type': 'ToyBackbone'},
        'decode_head': head,
    }
    for part in ('train', 'val', 'test'):
        kept = {k: v for k, v in config['data'][part].items() if k not in ('classes', 'palette')}
        config['data'][part] = {**kept, 'type': 'ToyDataset'}
    config['custom_hooks'] = [{'type': 'ToyHook'}]
    path.write_text(json.dumps({**config, **changes}))
    return path


def call_tool(path: Path, name: str, *arguments: object) -> None:
    """Call a command line tool with a folder on Python's path; to be given to `run_tool`."""
    sys.path.insert(0, str(path))
    sys.argv = [name, *map(str, arguments)]
    import_module(name).main()
