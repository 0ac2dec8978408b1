import pytest

from mmseg.core.evaluation.class_names import CITYSCAPES_ID_TO_TRAIN_ID
from mmseg.datasets import CityscapesDataset, GTADataset
from mmseg.datasets.image_io import read_label
from mmseg.datasets.label_conversion import LabelFile, convert_labels, labels_beside_images

from .layouts import TRAIN_PIPELINE, write_cityscapes, write_gta

TEST_PIPELINE = [
    {'type': 'LoadImageFromFile'},
    {'type': 'ImageToTensor', 'keys': ['img']},
    {'type': 'Collect', 'keys': ['img']},
]


def convert_gta(root):
    """Convert a GTA folder as the tool does."""
    files = labels_beside_images(root, 'labels', 'images')
    convert_labels(files, read_label, CITYSCAPES_ID_TO_TRAIN_ID, root)


def convert_cityscapes(root):
    """Convert a Cityscapes folder's label ids as the tool does."""
    ids, converted = 'labelIds.png', 'labelTrainIds.png'
    originals = sorted((root / 'gtFine').rglob(f'*{ids}'))
    files = [LabelFile(p, p.with_name(p.name.replace(ids, converted))) for p in originals]
    convert_labels(files, read_label, CITYSCAPES_ID_TO_TRAIN_ID, root)


@pytest.fixture
def gta_root(tmp_path):
    """A converted GTA folder of four images."""
    root = write_gta(tmp_path / 'gta')
    convert_gta(root)
    return root


@pytest.fixture
def cityscapes_root(tmp_path):
    """A converted Cityscapes folder: six images in train, three in val."""
    root = write_cityscapes(tmp_path / 'cityscapes')
    convert_cityscapes(root)
    return root


@pytest.fixture
def make_gta(gta_root):
    """Builds the GTA training set, with keywords of one's own."""

    def make(**kwargs):
        settings = {'pipeline': TRAIN_PIPELINE, 'img_dir': 'images', 'ann_dir': 'labels'}
        return GTADataset(**{**settings, 'data_root': str(gta_root), **kwargs})

    return make


@pytest.fixture
def make_cityscapes_val(cityscapes_root):
    """Builds the Cityscapes validation set, with keywords of one's own."""

    def make(**kwargs):
        return CityscapesDataset(
            pipeline=TEST_PIPELINE,
            data_root=str(cityscapes_root),
            img_dir='leftImg8bit/val',
            ann_dir='gtFine/val',
            test_mode=True,
            **kwargs,
        )

    return make
