import pytest
from mmcv.runner import HOOKS

from mmseg.datasets.builder import DATASETS, PIPELINES
from mmseg.models.builder import BACKBONES, HEADS, LOSSES, NECKS, SEGMENTORS, UDA

REGISTRIES = (HOOKS, DATASETS, PIPELINES, BACKBONES, HEADS, LOSSES, NECKS, SEGMENTORS, UDA)


@pytest.fixture(autouse=True, scope='module')
def _registries_as_they_were():
    """Let what tests of a file register be forgotten at its end: messages list what there is."""
    before = [dict(registry.module_dict) for registry in REGISTRIES]
    yield
    for registry, names in zip(REGISTRIES, before, strict=True):
        registry.module_dict.clear()
        registry.module_dict.update(names)
