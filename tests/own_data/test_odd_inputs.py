"""Folders as they really are: each oddity is a stated choice, or a clear error line."""

import json
import os
import shutil

import numpy as np
import pytest
from PIL import Image

from mmseg.apis import load_config
from mmseg.apis.run_datasets import build_run_dataset
from mmseg.own_data.adapting import prepare
from mmseg.own_data.request import Request
from mmseg.own_data.telling import Told
from mmseg.utils.errors import UserError

from .files import SIZE, id_maps, photographs, save

NUM = 6
WIDTH, HEIGHT = SIZE
ORIENTATION, QUARTER_TURN = 0x0112, 6


class Folders:
    """A person's folders, in order as long as nobody spoils them."""

    def __init__(self, root):
        self.root, self.options = root, {}
        self.images = photographs(root / 'img', [f'{i}.jpg' for i in range(NUM)])
        self.labels = id_maps(root / 'lab', [f'{i}.png' for i in range(NUM)], (0, 3, 9))
        self.target = photographs(root / 'field', [f't{i}.png' for i in range(NUM)])

    def ask(self, **options):
        """Ask for something else than these folders."""
        self.options |= options

    def each_label(self, change):
        """Write each label anew, from its values."""
        for path in sorted(self.labels.iterdir()):
            with Image.open(path) as image:
                change(np.asarray(image), path)

    def prepare(self):
        """Return the lines that are told, and what would be trained on."""
        settings = {
            **{'images': self.images, 'labels': self.labels, 'target': self.target},
            **{'target_labels': None, 'classes': None, 'method': 'daformer'},
            **{'out': self.root / 'out', **self.options},
        }
        tell = Told()
        prepare(Request(**settings), 2, tell)
        cfg = load_config(settings['out'] / 'adapt.json')
        return '\n'.join(tell.lines), build_run_dataset(cfg, cfg.data.train)


@pytest.fixture
def folders(tmp_path):
    return Folders(tmp_path)


def labels_a_folder_deeper(f):
    shutil.move(f.labels, f.root / 'above/lab')
    f.ask(labels=f.root / 'above')


def labels_in_the_folder_of_images(f):
    shutil.move(f.labels, f.images / 'masks')
    f.ask(labels=f.images / 'masks')


def images_in_the_folder_of_labels(f):
    shutil.move(f.images, f.labels / 'photos')
    f.ask(images=f.labels / 'photos')


def mixed_sizes(f):
    photographs(f.target, ['0 first.png'], (100, 30))


def transparent_images(f):
    for path in f.target.iterdir():
        Image.open(path).convert('RGBA').save(path)


def transparent_labels(f):
    colours = np.zeros((256, 4), np.uint8)
    colours[[0, 3, 9]] = (10, 20, 30, 255), (200, 0, 0, 255), (0, 0, 200, 255)
    f.each_label(lambda ids, path: Image.fromarray(colours[ids], 'RGBA').save(path))


def grey_images(f):
    for path in f.target.iterdir():
        Image.open(path).convert('L').save(path)


def turned_photographs(f):
    exif = Image.Exif()
    exif[ORIENTATION] = QUARTER_TURN
    for path in f.images.iterdir():
        Image.open(path).save(path, exif=exif)
    f.each_label(lambda values, path: save(path, values.T))


def blended_grey_borders(f):
    def blend(values, path):
        mask = np.where(values == 3, 255, 0).astype(np.uint8)
        mask[5, :40] = np.arange(40) * 5 + 20
        save(path, mask)

    f.each_label(blend)


def blended_coloured_borders(f):
    def blend(values, path):
        mask = np.array([[200, 0, 0], [0, 90, 0]], np.uint8)[(values == 3) * 1]
        mask[7, :5] = [[100, 45, 0], [90, 40, 0], [80, 35, 0], [70, 30, 0], [60, 25, 0]]
        save(path, mask)

    f.each_label(blend)


def some_without_partner(f):
    (f.labels / '0.png').unlink()
    (f.images / '1.jpg').unlink()


def unicode_and_blanks(f):
    for index in range(NUM):
        (f.images / f'{index}.jpg').rename(f.images / f'größe {index} 图.jpg')
        (f.labels / f'{index}.png').rename(f.labels / f'größe {index} 图.png')


def links(f):
    (f.root / 'links').mkdir()
    for path in f.target.iterdir():
        (f.root / 'links' / path.name).symlink_to(path)
    (f.root / 'links/dead.png').symlink_to('nowhere')
    f.ask(target=f.root / 'links')


def a_link_to_itself(f):
    (f.target / 'again').symlink_to(f.target)


def read_only_folders(f):
    for folder in (f.images, f.labels, f.target):
        folder.chmod(0o555)


def other_files(f):
    (f.target / 'drive.mp4').write_bytes(b'film')
    (f.target / 'notes.txt').write_text('text')
    (f.target / 'Thumbs.db').write_bytes(b'x')
    for name in ('.DS_Store', '._t0.png'):
        (f.target / name).write_bytes(b'x')


def images_cut_off(f):
    for path in (f.images / '2.jpg', f.target / 't2.png'):
        path.write_bytes(path.read_bytes()[:1000])


def a_label_cut_off(f):
    path = f.labels / '2.png'
    path.write_bytes(path.read_bytes()[:90])


def one_label_of_another_size(f):
    save(f.labels / '0.png', np.zeros((10, 10), np.uint8))


def labels_of_16_bits(f):
    f.each_label(lambda values, path: save(path, values.astype(np.uint16) * 200))


def labels_of_1_bit(f):
    f.each_label(lambda values, path: Image.fromarray(values == 3).convert('1').save(path))


def labels_with_a_palette(f):
    def index(values, path):
        image = Image.fromarray(values, mode='P')
        image.putpalette([90, 0, 0] * 10)
        image.save(path)

    f.each_label(index)


def the_same_name_in_folders(f):
    for folder in (f.images, f.labels):
        shutil.rmtree(folder)
    photographs(f.images, ['a/1.png', 'b/1.png'])
    id_maps(f.labels, ['a/1.png', 'b/1.png'], (0, 3, 9))


def the_same_name_in_one_folder(f):
    photographs(f.images, ['0.png'])


def capitals(f):
    for path in list(f.images.iterdir()):
        path.rename(path.with_suffix('.JPG'))
    for path in list(f.labels.iterdir()):
        path.rename(path.with_suffix('.PNG'))


def one_image(f):
    for index in range(1, NUM):
        (f.images / f'{index}.jpg').unlink()
        (f.labels / f'{index}.png').unlink()
        (f.target / f't{index}.png').unlink()


def labels_within_the_target(f):
    truth = id_maps(f.target / 'truth', ['t0.png', 't1.png'], (0, 3, 9))
    f.ask(target_labels=truth)


def a_mapping_from_a_windows_editor(f):
    classes = {'soil': {'labels': [0]}, 'plant': {'labels': [3, 9]}, 'ice': {'labels': [77]}}
    text = json.dumps({'classes': classes}).replace('\n', '\r\n')
    (f.root / 'map.json').write_text(text, encoding='utf-8-sig')
    f.ask(classes=f.root / 'map.json')


@pytest.mark.parametrize(
    ('spoil', 'told', 'num_source', 'num_target'),
    [
        (labels_a_folder_deeper, 'by names, folders aside', 6, 6),
        (labels_in_the_folder_of_images, 'lie in another of the folders and belong to it', 6, 6),
        (images_in_the_folder_of_labels, 'lie in another of the folders and belong to it', 6, 6),
        (mixed_sizes, '64×48 (6), 100×30 (1)', 6, 7),
        (transparent_images, 'RGBA (6)', 6, 6),
        (transparent_labels, 'labels: 3 colours in 6 files', 6, 6),
        (grey_images, 'L (6)', 6, 6),
        (turned_photographs, '48×64 (6)', 6, 6),
        (blended_grey_borders, '40 ids cover 1.30% of the pixels together, as blended', 6, 6),
        (blended_coloured_borders, '5 colours cover 0.16% of the pixels together', 6, 6),
        (some_without_partner, '1 labels have no picture and are left out: 1.png', 4, 6),
        (unicode_and_blanks, '6 pairs, by the same names', 6, 6),
        (links, '1 files left out (can not be read), such as dead.png', 6, 6),
        (a_link_to_itself, 'target: 6 pictures', 6, 6),
        (read_only_folders, '6 pairs', 6, 6),
        (other_files, '3 files left out (no picture by its name), such as Thumbs.db', 6, 6),
        (images_cut_off, '1 files left out (can not be read), such as t2.png', 5, 5),
        (a_label_cut_off, '1 files left out (can not be read), such as 2.png', 5, 6),
        (one_label_of_another_size, '1 labels are of another size than their pictures', 5, 6),
        (labels_of_16_bits, "1800 (33.33% of the pixels) is taken for 'class 2'", 6, 6),
        (labels_of_1_bit, "1 (33.33% of the pixels) is taken for 'class 1'", 6, 6),
        (labels_with_a_palette, "9 (33.33% of the pixels) is taken for 'class 2'", 6, 6),
        (the_same_name_in_folders, '2 pairs, by the same names', 2, 6),
        (the_same_name_in_one_folder, '2 pictures share their name with another', 5, 6),
        (capitals, '6 pairs, by the same names', 6, 6),
        (one_image, 'source: 1 pictures', 1, 1),
        (labels_within_the_target, 'target labels: 2 pairs, tested on and adapted to', 6, 6),
        (a_mapping_from_a_windows_editor, 'no label shows ice', 6, 6),
    ],
)
def test_odd_inputs__are_taken_as_they_are_and_told(spoil, told, num_source, num_target, folders):
    spoil(folders)
    lines, dataset = folders.prepare()
    assert told in lines
    assert (len(dataset.source), len(dataset.target)) == (num_source, num_target)
    sample = dataset[0]
    assert sample['img'].data.shape[1:] == sample['target_img'].data.shape[1:]


def test_odd_inputs__blended_borders_are_ignored_in_training(folders):
    blended_grey_borders(folders)
    folders.prepare()
    converted = folders.root / 'out/data/source/labels/000000_labelTrainIds.png'
    assert sorted(np.unique(np.asarray(Image.open(converted)))) == [0, 1, 255]


def empty_folder(f):
    (f.root / 'empty').mkdir()
    f.ask(target=f.root / 'empty')


def only_a_video(f):
    (f.root / 'film').mkdir()
    (f.root / 'film/a.mp4').write_bytes(b'film')
    f.ask(target=f.root / 'film')


def a_file_in_place_of_a_folder(f):
    f.ask(target=f.target / 't0.png')


def one_class(f):
    f.each_label(lambda values, path: save(path, np.full_like(values, 7)))


def jpeg_labels(f):
    f.each_label(lambda values, path: save(path.with_suffix('.jpg'), values) or path.unlink())


def labels_all_of_another_size(f):
    f.each_label(lambda values, path: save(path, values[::2, ::2]))


def labels_of_photographs_not_turned(f):
    exif = Image.Exif()
    exif[ORIENTATION] = QUARTER_TURN
    for path in f.images.iterdir():
        Image.open(path).save(path, exif=exif)


def other_names(f):
    f.each_label(lambda values, path: path.rename(path.with_name(f'other{path.name}')))


def source_as_target(f):
    f.ask(target=f.images)


def labels_in_the_place_of_images(f):
    f.ask(labels=f.images)


def out_within_the_target(f):
    f.ask(out=f.target / 'results')


def folders_within_out(f):
    f.ask(out=f.root)


def a_mapping_of_other_values(f):
    classes = {'soil': {'labels': [50]}, 'plant': {'labels': [60]}}
    (f.root / 'map.json').write_text(json.dumps({'classes': classes}))
    f.ask(classes=f.root / 'map.json')


def a_mapping_in_latin_1(f):
    (f.root / 'map.json').write_bytes('{"classes": {"Bäume": {"labels": [0]}}}'.encode('latin-1'))
    f.ask(classes=f.root / 'map.json')


def no_mapping(f):
    f.ask(classes=f.root / 'none.json')


def mixed_kinds_of_labels(f):
    save(f.labels / '0.png', np.zeros((HEIGHT, WIDTH, 3), np.uint8))


def labels_of_other_target_images(f):
    f.ask(target_labels=id_maps(f.root / 'truth', ['z0.png', 'z1.png']))


@pytest.mark.parametrize(
    ('spoil', 'told'),
    [
        (empty_folder, 'no picture below'),
        (only_a_video, 'Videos have to be taken apart: ffmpeg -i a.mp4'),
        (a_file_in_place_of_a_folder, 't0.png is a file'),
        (one_class, 'the labels hold 1 values that could be classes, expected 2'),
        (jpeg_labels, '6 labels such as 0.jpg are of a kind that blurs colours: export them'),
        (labels_all_of_another_size, '0.jpg is 64×48, its label 32×24'),
        (labels_of_photographs_not_turned, 'as a viewer shows the photograph, which EXIF may turn'),
        (other_names, '0 of 6 pictures have a label of their name, as of 0.jpg and other0.png'),
        (source_as_target, '--source IMAGES and --target are the same folder'),
        (labels_in_the_place_of_images, '--source IMAGES and --source LABELS are the same folder'),
        (out_within_the_target, 'lies in --target'),
        (folders_within_out, 'lies where --out'),
        (a_mapping_of_other_values, 'the labels show 0 of 2: name what stands in the label files'),
        (a_mapping_in_latin_1, 'not in UTF-8'),
        (no_mapping, 'no mapping file at'),
        (mixed_kinds_of_labels, 'some labels hold colours (0.png), others ids (1.png)'),
        (labels_of_other_target_images, 'labels and pictures do not belong together: 0 of 6'),
    ],
)
def test_odd_inputs__what_can_not_be_is_told_in_a_line(spoil, told, folders):
    spoil(folders)
    before = sorted(os.walk(folders.target))
    with pytest.raises(UserError) as error:
        folders.prepare()
    assert told in str(error.value)
    assert sorted(os.walk(folders.target)) == before
