"""ImageNet weights by the names that configs give them, such as `open-mmlab://resnet50_v1c`.

They come from OpenMMLab's model zoo. Where it cannot be reached, timm's weights of the same
architecture take their place, renamed.
"""

import logging
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import timm
import torch
from huggingface_hub import try_to_load_from_cache
from mmcv.runner.checkpoint import get_external_models
from torch import nn

from mmseg.core.building import nearest
from mmseg.utils.download import DownloadError, Expected, downloaded, is_reachable
from mmseg.utils.errors import UserError

_logger = logging.getLogger(__name__)
SCHEME = 'open-mmlab://'
_HUB = 'https://huggingface.co'
_WEIGHTS = 'model.safetensors'

# names of the zoo → timm's weights of the same architecture
_IN_TIMM = {
    'resnet50_v1c': 'resnet50c.gluon_in1k',
    'resnet101_v1c': 'resnet101c.gluon_in1k',
    'resnext50_32x4d': 'resnext50_32x4d.tv_in1k',
    'resnext101_32x4d': 'resnext101_32x4d.gluon_in1k',
    'resnest50': 'resnest50d.in1k',
    'resnest101': 'resnest101e.in1k',
    'resnest200': 'resnest200e.in1k',
}


def zoo_place(name: str) -> tuple[str, Path]:
    """Return where weights of the model zoo are, and where their local copy belongs.

    Args:
        name: Name with the scheme, such as 'open-mmlab://resnet50_v1c'.

    Returns:
        Address and file.

    Raises:
        UserError: The model zoo has no such weights.
    """
    addresses = get_external_models()
    short = name.removeprefix(SCHEME)
    if short not in addresses:
        raise UserError(f'the model zoo has no weights {short!r}; {nearest(short, addresses)}')
    address = addresses[short]
    return address, cache_folder() / Path(urlsplit(address).path).name


def zoo_file(name: str) -> Path | None:
    """Return the local file of weights in the model zoo, downloading it where need be.

    Args:
        name: Name with the scheme, such as 'open-mmlab://resnet50_v1c'.

    Returns:
        The file, or None where the model zoo cannot be reached.

    Raises:
        UserError: The model zoo has no such weights.
    """
    address, file = zoo_place(name)
    # names end in the first digits of the SHA-256
    match = re.fullmatch(r'.+-([0-9a-f]{8})\.pth', file.name)
    return _fetched(address, file, Expected(sha256=None if match is None else match[1]))


def cache_folder() -> Path:
    """Return where weights are kept that were fetched from an address, PyTorch's own folder."""
    return Path(torch.hub.get_dir()) / 'checkpoints'


def _fetched(address: str, file: Path, expected: Expected | None = None) -> Path | None:
    """Return a file, fetched where need be; None, with a warning, where it cannot be had."""
    if not file.is_file() and not is_reachable(address):
        return None
    try:
        return downloaded(address, file, expected)
    except (DownloadError, OSError) as error:
        _logger.warning('%s cannot be had: %s', file.name, error)
        return None


def timm_state(name: str) -> dict[str, torch.Tensor] | None:
    """Return timm's ImageNet weights of the architecture that `name` stands for.

    Args:
        name: Name with the scheme, such as 'open-mmlab://resnet50_v1c'.

    Returns:
        The weights under the names of `ResNet`, `ResNeXt` and `ResNeSt`, or None where there are
        none or they cannot be had.
    """
    theirs = _IN_TIMM.get(name.removeprefix(SCHEME))
    if theirs is None:
        return None
    network = _pretrained_timm(theirs)
    if network is None:
        return None
    _logger.info('the model zoo cannot be reached: %s of timm instead of %s', theirs, name)
    return from_timm(network.state_dict())


def from_timm(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Rename the entries of a residual network of timm; the classifier is left out."""
    deep = 'conv1.0.weight' in state
    return {_renamed(key, deep): value for key, value in state.items() if key[:3] != 'fc.'}


def _renamed(key: str, deep_stem: bool) -> str:
    if deep_stem and key.startswith('conv1.'):
        return f'stem.{key.removeprefix("conv1.")}'
    if deep_stem and key.startswith('bn1.'):
        return f'stem.7.{key.removeprefix("bn1.")}'
    return key


def hub_address(name: str) -> str | None:
    """Return where timm's weights of this name are on the Hugging Face Hub; None if it has none."""
    facts = timm.get_pretrained_cfg(name)
    if facts is None or not facts.hf_hub_id:
        return None
    return f'{_HUB}/{facts.hf_hub_id}/resolve/main/{_WEIGHTS}'


def hub_file(name: str) -> Path | None:
    """Return a local file of timm's weights, downloading it where need be.

    Args:
        name: Name in timm, such as 'resnet50c.gluon_in1k'.

    Returns:
        A file of safetensors, or None where there are none or the hub cannot be reached.
    """
    address = hub_address(name)
    if address is None:
        return None
    repository = address.removeprefix(f'{_HUB}/').partition('/resolve/')[0]
    cached = try_to_load_from_cache(repository, _WEIGHTS)
    if isinstance(cached, str):
        return Path(cached)
    return _fetched(address, cache_folder() / f'{name}.safetensors')


def _pretrained_timm(name: str) -> nn.Module | None:
    """Build a network of timm with its weights; None where they cannot be had."""
    file = hub_file(name)
    if file is None:
        return None
    try:
        return timm.create_model(name, checkpoint_path=str(file))
    except Exception as error:  # what is wrong with a file shows in many kinds of errors
        _logger.warning('timm could not load %s: %s', name, str(error).splitlines()[0])
        return None
