from dataclasses import replace
from multiprocessing import get_context

import cv2
import numpy as np
import pytest
from PIL import Image

from mmseg.core.evaluation.class_names import (
    CITYSCAPES_CLASSES,
    CITYSCAPES_ID_TO_TRAIN_ID,
    CITYSCAPES_LABEL_IDS,
    CITYSCAPES_PALETTE,
    SYNTHIA_ID_TO_TRAIN_ID,
)
from mmseg.street_scenes import DOMAINS, render_full_scene, render_scene, write_street_scenes
from mmseg.street_scenes.camera import Camera, clip_near
from mmseg.street_scenes.layout import Item, painting_order
from mmseg.utils.errors import UserError

SIZE = (128, 64)
LABEL_ID = dict(zip(CITYSCAPES_CLASSES, CITYSCAPES_LABEL_IDS, strict=True))
VOID = {1, 4, 5}


@pytest.fixture(scope='module')
def scenes():
    """Forty small scenes of each domain."""
    return {
        name: [render_scene(seed, domain, SIZE) for seed in range(40)]
        for name, domain in DOMAINS.items()
    }


@pytest.fixture(scope='module')
def street_root(tmp_path_factory):
    """All three layouts, written once."""
    root = tmp_path_factory.mktemp('streets')
    write_street_scenes(root, 3, 4, 3, size=(97, 51))
    return root


@pytest.mark.parametrize('name', DOMAINS)
def test_render_scene__same_seed_same_pixels(name):
    image, labels = render_scene(7, DOMAINS[name], SIZE)
    again, labels_again = render_scene(7, DOMAINS[name], SIZE)
    np.testing.assert_array_equal(image, again)
    np.testing.assert_array_equal(labels, labels_again)
    other, other_labels = render_scene(8, DOMAINS[name], SIZE)
    assert (image != other).mean() > 0.5 and (labels != other_labels).mean() > 0.1


def test_render_scene__pixels_do_not_depend_on_threads_or_process():
    threads = cv2.getNumThreads()
    here = render_scene(3, DOMAINS['cityscapes'], SIZE)
    cv2.setNumThreads(1)
    alone = render_scene(3, DOMAINS['cityscapes'], SIZE)
    cv2.setNumThreads(threads)
    with get_context('spawn').Pool(1) as pool:
        there = pool.apply(render_scene, (3, DOMAINS['cityscapes'], SIZE))
    for image, labels in (alone, there):
        np.testing.assert_array_equal(image, here[0])
        np.testing.assert_array_equal(labels, here[1])


@pytest.mark.parametrize('size', [(32, 32), (33, 97), (201, 101), (64, 160)])
def test_render_scene__any_size(size):
    for domain in DOMAINS.values():
        image, labels = render_scene(0, domain, size)
        assert image.shape == (size[1], size[0], 3) and image.dtype == np.uint8
        assert labels.shape == (size[1], size[0]) and labels.dtype == np.uint8
        assert len(np.unique(labels)) > 3


def test_render_scene__larger_picture_shows_the_same_scene():
    _, small = render_scene(5, DOMAINS['gta'], (128, 64))
    _, large = render_scene(5, DOMAINS['gta'], (384, 192))
    assert (large[1::3, 1::3] == small).mean() > 0.97


@pytest.mark.parametrize(('seed', 'size'), [(-1, SIZE), (0, (31, 64)), (0, (64, 0))])
def test_render_scene__bad_seed_or_size_is_named(seed, size):
    with pytest.raises(UserError, match=f'got seed {seed} and size {size[0]}×{size[1]}'):
        render_scene(seed, DOMAINS['gta'], size)


def test_scenes__every_class_is_in_enough_images(scenes):
    for name, drawn in scenes.items():
        for class_name, label in LABEL_ID.items():
            share = np.mean([(labels == label).sum() >= 4 for _, labels in drawn])
            if class_name in DOMAINS[name].absent:
                assert share == 0, (name, class_name)
            else:
                assert share >= 0.15, (name, class_name, share)


def test_scenes__label_ids_are_known(scenes):
    for drawn in scenes.values():
        seen = {int(value) for _, labels in drawn for value in np.unique(labels)}
        assert seen <= set(CITYSCAPES_LABEL_IDS) | VOID


def test_scenes__are_streets_seen_from_a_car(scenes):
    for drawn in scenes.values():
        labels = np.stack([labels for _, labels in drawn])
        height = labels.shape[1]
        assert (labels[:, : height // 3] == LABEL_ID['road']).mean() < 0.001
        assert (labels[:, height // 2 :] == LABEL_ID['sky']).mean() < 0.001
        assert (labels[:, height * 3 // 4 : height * 9 // 10] == LABEL_ID['road']).mean() > 0.5


def test_domains__differ_in_colour_contrast_and_grain(scenes):
    def look(name):
        images = np.stack([image for image, _ in scenes[name]]).astype(float)
        cast = images.mean(axis=(0, 1, 2))
        colourfulness = np.ptp(images / cast * cast.mean(), axis=-1).mean()
        road = [image[labels == LABEL_ID['road']] for image, labels in scenes[name]]
        grain = np.mean([np.abs(np.diff(pixels[:, 1].astype(float))).mean() for pixels in road])
        return colourfulness, grain

    source, target = look('gta'), look('cityscapes')
    assert source[0] > 2 * target[0]
    assert target[1] > 1.5 * source[1]


def test_domain__its_settings_change_the_picture_and_not_the_labels():
    foggy = replace(DOMAINS['gta'], haze_distance=20.0, noise=20.0, vignette=0.5)
    image, labels = render_scene(2, DOMAINS['gta'], SIZE)
    foggy_image, foggy_labels = render_scene(2, foggy, SIZE)
    np.testing.assert_array_equal(labels, foggy_labels)
    assert np.abs(image.astype(float) - foggy_image).mean() > 10


def test_render_full_scene__things_have_instances_of_one_class():
    scene = render_full_scene(4, DOMAINS['synthia'], (256, 128))
    cars = scene.label_ids == LABEL_ID['car']
    assert cars.any() and (scene.instance_ids[cars] > 0).all()
    assert (scene.instance_ids[scene.label_ids == LABEL_ID['building']] == 0).all()
    for instance in np.unique(scene.instance_ids[cars]):
        assert set(scene.label_ids[scene.instance_ids == instance]) == {LABEL_ID['car']}


def test_painting_order__what_stands_beside_a_tram_is_behind_it_on_the_far_side_only():
    def thing(x, near, far):
        footprint = np.array([[x - 1, near], [x + 1, near], [x + 1, far], [x - 1, far]])
        return Item(far, x, lambda canvas: None, footprint, 1.0, True)

    tram, outer, inner = thing(-4, 14, 36), thing(-8, 16, 20), thing(-1, 30, 34)
    before, beyond, across = thing(-8, 5, 9), thing(-1, 40, 44), thing(8, 16, 20)
    order = painting_order([inner, before, across, outer, tram, beyond])
    assert [order.index(thing) for thing in (beyond, outer, tram)] == [0, 1, 2]
    assert order.index(inner) < order.index(across) < order.index(before) == 5


def test_camera__projects_as_a_pinhole():
    camera = Camera(200, 100, focal=150.0, horizon=40.0, eye=1.5)
    pixels = camera.to_pixels(camera.view(np.array([[2.0, 0.0, 10.0], [0.0, 1.5, 50.0]])))
    np.testing.assert_allclose(pixels, [[130.0, 62.5], [100.0, 40.0]])
    x, z = camera.ground()
    assert z[62, 0] == pytest.approx(10.0) and z[39, 0] == 0
    assert x[62, 130] == pytest.approx(2.0, abs=0.05)


def test_clip_near__cuts_at_the_near_plane():
    square = np.array([[0, 0, -1.0], [1, 0, -1], [1, 0, 3], [0, 0, 3]])
    clipped = clip_near(square)
    assert len(clipped) == 4 and clipped[:, 2].min() == pytest.approx(0.6)
    assert len(clip_near(square - (0, 0, 5.0))) == 0


def test_write_street_scenes__gta_has_palette_pngs_with_label_ids(street_root):
    names = [path.name for path in sorted((street_root / 'gta/images').iterdir())]
    assert names == [path.name for path in sorted((street_root / 'gta/labels').iterdir())]
    assert names == ['00001.png', '00002.png', '00003.png']
    with Image.open(street_root / 'gta/labels/00001.png') as label:
        ids, palette = np.asarray(label), np.array(label.getpalette()).reshape(-1, 3)
        assert label.mode == 'P'
    image, expected = render_scene(0, DOMAINS['gta'], (97, 51))
    np.testing.assert_array_equal(ids, expected)
    np.testing.assert_array_equal(palette[list(CITYSCAPES_LABEL_IDS)], CITYSCAPES_PALETTE)
    written = cv2.imread(str(street_root / 'gta/images/00001.png'))
    np.testing.assert_array_equal(written[..., ::-1], image)


def test_write_street_scenes__synthia_has_its_ids_in_the_last_of_three_channels(street_root):
    path = street_root / 'synthia/GT/LABELS/0000001.png'
    label = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert label.dtype == np.uint16 and label.shape == (51, 97, 3)
    scene = render_full_scene(1_000_001, DOMAINS['synthia'], (97, 51))
    for label_id, train_id in CITYSCAPES_ID_TO_TRAIN_ID.items():
        values = set(label[..., 2][scene.label_ids == label_id].tolist())
        assert {SYNTHIA_ID_TO_TRAIN_ID[value] for value in values} <= {train_id}
    np.testing.assert_array_equal(label[..., 1], scene.instance_ids)
    assert (street_root / 'synthia/RGB/0000001.png').is_file()


def test_write_street_scenes__cityscapes_has_cities_and_both_splits(street_root):
    root = street_root / 'cityscapes'
    for split, num in (('train', 4), ('val', 3)):
        images = sorted(root.glob(f'leftImg8bit/{split}/*/*_leftImg8bit.png'))
        assert len(images) == num
        for image in images:
            stem = image.name.removesuffix('_leftImg8bit.png')
            assert stem.split('_')[0] == image.parent.name and stem.endswith('_000019')
            folder = root / 'gtFine' / split / image.parent.name
            label = cv2.imread(str(folder / f'{stem}_gtFine_labelIds.png'), cv2.IMREAD_UNCHANGED)
            assert label.shape == (51, 97) and label.dtype == np.uint8
            assert set(np.unique(label).tolist()) <= set(CITYSCAPES_LABEL_IDS) | VOID


def test_write_street_scenes__sets_share_no_scene(street_root):
    labels = [cv2.imread(str(path), 0) for path in street_root.rglob('*_labelIds.png')]
    for i, first in enumerate(labels):
        assert all((first != second).any() for second in labels[i + 1 :])


def test_write_street_scenes__draws_only_what_is_missing(tmp_path):
    write_street_scenes(tmp_path, 2, 0, 0, SIZE, layouts=('gta',))
    kept, gone = (tmp_path / f'gta/images/0000{i}.png' for i in (1, 2))
    before, pixels = kept.stat().st_mtime_ns, gone.read_bytes()
    gone.unlink()
    write_street_scenes(tmp_path, 3, 0, 0, SIZE, layouts=('gta',))
    assert kept.stat().st_mtime_ns == before
    assert gone.read_bytes() == pixels
    assert len(list((tmp_path / 'gta/labels').iterdir())) == 3
    assert not (tmp_path / 'synthia').exists()


def test_write_street_scenes__other_settings_or_files_in_the_folder_are_refused(tmp_path):
    write_street_scenes(tmp_path / 'a', 1, 0, 0, SIZE, layouts=('gta',))
    with pytest.raises(UserError, match=r'size 128x64, seed 0, .* not of size 96x64, seed 0'):
        write_street_scenes(tmp_path / 'a', 1, 0, 0, (96, 64), layouts=('gta',))
    with pytest.raises(UserError, match='seed 1'):
        write_street_scenes(tmp_path / 'a', 1, 0, 0, SIZE, seed=1, layouts=('gta',))
    (tmp_path / 'b/gta/images').mkdir(parents=True)
    with pytest.raises(UserError, match='no street scenes'):
        write_street_scenes(tmp_path / 'b', 1, 0, 0, SIZE, layouts=('gta',))


def test_write_street_scenes__bad_arguments_are_named(tmp_path):
    with pytest.raises(UserError, match="unknown layout 'kitti'"):
        write_street_scenes(tmp_path, 1, 1, 1, layouts=('kitti',))
    with pytest.raises(UserError, match='got -1, 1 and 1 scenes'):
        write_street_scenes(tmp_path, -1, 1, 1)
