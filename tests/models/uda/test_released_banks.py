"""The banks that the authors released; they are not part of this repository."""

import os
from pathlib import Path

import pytest
import torch

from mmseg.models.uda.instance_bank import InstanceBank
from mmseg.utils.errors import UserError

ROOT = Path(__file__).resolve().parents[3]
FOLDER = Path(os.environ.get('DIDA_RELEASED_BANKS', ROOT.parent / 'shared/data/released_banks'))

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(),
    reason='needs the released banks; DIDA_RELEASED_BANKS names the folder of gta_300, synthia_300',
)


@pytest.mark.parametrize('name', ['gta_300', 'synthia_300'])
def test_released_bank__loads_for_the_papers_network(name):
    bank = InstanceBank.from_file(FOLDER / name, dim=256, num_classes=19)
    assert bank.is_full
    assert bank.features.shape == (300, 256)
    assert bank.features.min() >= 0
    assert bank.class_counts().sum() == 300


def test_released_bank__comes_back_unchanged(tmp_path):
    bank = InstanceBank.from_file(FOLDER / 'gta_300')
    bank.save(tmp_path)
    assert torch.equal(InstanceBank.from_file(tmp_path).features, bank.features)


def test_released_bank__does_not_fit_another_head():
    with pytest.raises(UserError, match='expected bank entries of 64 channels'):
        InstanceBank.from_file(FOLDER / 'gta_300', dim=64, num_classes=19)
