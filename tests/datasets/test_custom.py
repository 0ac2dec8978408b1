import numpy as np
import pytest
import torch

from mmseg.datasets import CustomDataset, build_dataloader
from mmseg.datasets.image_io import UnreadableImageError
from mmseg.utils.errors import UserError

from .layouts import TRAIN_PIPELINE, photograph, truncate, write_gta, write_png

LOAD = [{'type': 'LoadImageFromFile'}, {'type': 'LoadAnnotations'}]


def write_five_classes(root, values=(0, 1, 4, 255), num=3):
    for i in range(num):
        write_png(root / f'photos/day/{i}.jpg', photograph(i, 18, 26))
        label = np.resize(np.array(values, np.uint8), (18, 26))
        write_png(root / f'masks/day/{i}_mask.png', label)
    return root


def custom(root, **kwargs):
    settings = {'pipeline': LOAD, 'img_dir': 'photos', 'ann_dir': 'masks'}
    settings |= {'seg_map_suffix': '_mask.png', 'data_root': str(root), 'classes': list('abcde')}
    return CustomDataset(**{**settings, **kwargs})


def pixels(sample):
    return sample['img'].data


def test_custom__any_class_count_and_suffixes(tmp_path):
    dataset = custom(write_five_classes(tmp_path))
    assert [info['filename'] for info in dataset.img_infos] == [f'day/{i}.jpg' for i in range(3)]
    assert len(dataset.PALETTE) == 5
    np.testing.assert_array_equal(np.unique(dataset[1]['gt_semantic_seg']), [0, 1, 4, 255])


def test_custom__split_chooses_images(tmp_path):
    root = write_five_classes(tmp_path)
    (root / 'some.txt').write_text('day/2\nday/0\n\n')
    dataset = custom(root, split='some.txt')
    assert [info['ann']['seg_map'] for info in dataset.img_infos] == [
        'day/2_mask.png',
        'day/0_mask.png',
    ]


def test_custom__part_of_the_classes_renames_labels(make_gta):
    dataset = make_gta(classes=['sky', 'road'], pipeline=LOAD)
    all_labels, labels = make_gta(pipeline=LOAD), dataset[0]['gt_semantic_seg']
    expected = np.full_like(labels, 255)
    expected[all_labels[0]['gt_semantic_seg'] == 10] = 0
    expected[all_labels[0]['gt_semantic_seg'] == 0] = 1
    np.testing.assert_array_equal(labels, expected)
    np.testing.assert_array_equal(dataset.get_gt_seg_map(0), expected)
    assert dataset.PALETTE == [(70, 130, 180), (128, 64, 128)]


def test_custom__reduce_zero_label_holds_for_evaluation_too(tmp_path):
    dataset = custom(write_five_classes(tmp_path), reduce_zero_label=True)
    np.testing.assert_array_equal(np.unique(dataset.get_gt_seg_map(0)), [0, 3, 255])


def test_custom__images_without_labels_need_no_ann_dir(tmp_path):
    root = write_five_classes(tmp_path)
    sample = custom(root, ann_dir=None, pipeline=TRAIN_PIPELINE).draw(0, seed=0)
    assert set(sample) == {'img', 'img_metas'}


def test_custom__unlabelled_images_cannot_be_evaluated(tmp_path):
    dataset = custom(write_five_classes(tmp_path), ann_dir=None)
    with pytest.raises(UserError, match='no labels: ann_dir is not set'):
        dataset.get_gt_seg_map(0)


def test_draw__an_epoch_shows_every_image_once(make_gta):
    dataset = make_gta()
    names = [dataset.draw(k, seed=1)['img_metas'].data['ori_filename'] for k in range(8)]
    assert sorted(names[:4]) == sorted(names[4:]) == [i['filename'] for i in dataset.img_infos]


def test_draw__a_position_gives_the_same_whatever_came_before(make_gta):
    fresh, used = make_gta(), make_gta()
    for position in (9, 2, 30):
        used.draw(position, seed=1)
    assert torch.equal(pixels(fresh.draw(5, seed=1)), pixels(used.draw(5, seed=1)))


def test_draw__crops_of_an_image_differ_between_epochs(make_gta):
    dataset = make_gta(pipeline=[*TRAIN_PIPELINE[:2], *TRAIN_PIPELINE[3:]])
    samples = [dataset.draw(k, seed=1) for k in range(40)]
    first = [s for s in samples if s['img_metas'].data['ori_filename'] == '00001.png']
    assert len({float(pixels(s).sum()) for s in first}) > 5


def test_missing_folder__is_named(tmp_path):
    with pytest.raises(UserError, match=r'image folder .*nothing.* does not exist'):
        custom(write_five_classes(tmp_path), img_dir='nothing')
    with pytest.raises(UserError, match=r'label folder .*nothing does not exist'):
        custom(tmp_path, ann_dir='nothing')


def test_folder_without_images__names_the_suffix(tmp_path):
    with pytest.raises(UserError, match=r'no image named \*\.tif'):
        custom(write_five_classes(tmp_path), img_suffix='.tif')


def test_split_that_is_gone__is_named(tmp_path):
    with pytest.raises(UserError, match=r'split file .*few\.txt does not exist'):
        custom(write_five_classes(tmp_path), split='few.txt')


def test_unconverted_labels__name_the_command(tmp_path, make_gta):
    root = write_gta(tmp_path / 'raw')
    command = rf'4 of 4 images .*00001_labelTrainIds\.png.*convert_datasets/gta\.py {root} --nproc'
    with pytest.raises(UserError, match=command):
        make_gta(data_root=str(root))


def test_size_mismatch__names_both_files(gta_root, make_gta):
    write_png(gta_root / 'images/00002.png', photograph(0, 30, 48))
    with pytest.raises(
        UserError, match=r'00002\.png is 48×30, .*00002_labelTrainIds\.png is 48×32'
    ):
        make_gta()[1]


def test_label_out_of_range__names_file_value_and_command(gta_root, make_gta):
    write_png(gta_root / 'labels/00001_labelTrainIds.png', np.full((32, 48), 26, np.uint8))
    with pytest.raises(UserError, match=r'00001_label.* holds 26: expected 0 to 18.*gta\.py'):
        make_gta()[0]


def test_label_of_three_channels__is_refused(tmp_path):
    root = write_five_classes(tmp_path)
    write_png(root / 'masks/day/0_mask.png', photograph(0, 18, 26))
    with pytest.raises(UserError, match=r'0_mask\.png has 3 channels'):
        custom(root)[0]


def test_truncated_image__is_skipped_with_a_warning_and_a_count(gta_root, make_gta, capsys):
    truncate(gta_root / 'images/00003.png')
    dataset = make_gta()
    names = [dataset.draw(k, seed=1)['img_metas'].data['ori_filename'] for k in range(8)]
    assert '00003.png' not in names
    assert dataset.num_skipped >= 2
    warnings = capsys.readouterr().out
    assert warnings.count('00003.png') == 1 and '(1 skipped so far)' in warnings


def test_truncated_image__what_takes_its_place_is_repeatable(gta_root, make_gta):
    truncate(gta_root / 'images/00003.png')
    one, other = make_gta(), make_gta()
    for k in range(8):
        assert torch.equal(pixels(one.draw(k, seed=1)), pixels(other.draw(k, seed=1)))


def test_truncated_image__workers_count_together(gta_root, make_gta):
    truncate(gta_root / 'images/00003.png')
    alone, shared = make_gta(), make_gta()
    for dataset, num_workers in ((alone, 0), (shared, 2)):
        list(build_dataloader(dataset, 2, num_workers, max_iters=6))
    assert alone.num_skipped == shared.num_skipped > 0


def test_vanished_image__is_skipped_and_counted_or_stops_a_strict_run(gta_root, make_gta, capsys):
    dataset, strict = make_gta(), make_gta(strict=True)
    (gta_root / 'images/00003.png').unlink()
    names = [dataset.draw(k, seed=1)['img_metas'].data['ori_filename'] for k in range(8)]
    assert '00003.png' not in names and dataset.num_skipped >= 2
    assert '00003.png is gone' in ' '.join(capsys.readouterr().out.split())
    with pytest.raises(UserError, match=r'00003\.png is gone'):
        for k in range(4):
            strict.draw(k, seed=1)


def test_truncated_label__strict_stops(gta_root, make_gta):
    truncate(gta_root / 'labels/00003_labelTrainIds.png')
    dataset = make_gta(strict=True)
    with pytest.raises(UnreadableImageError, match=r'00003_labelTrainIds\.png'):
        for k in range(4):
            dataset.draw(k, seed=1)


def test_all_images_truncated__ends_with_an_error(gta_root, make_gta):
    for path in (gta_root / 'images').iterdir():
        truncate(path)
    with pytest.raises(UserError, match='20 files in a row'):
        make_gta().draw(0, seed=0)


def test_one_folder__holds_images_labels_and_what_converters_write(tmp_path):
    for i in range(3):
        write_png(tmp_path / f'all/{i}.png', photograph(i, 6, 8))
        for end in ('_mask', '_labelTrainIds'):
            write_png(tmp_path / f'all/{i}{end}.png', np.full((6, 8), i, np.uint8))
    settings = {'data_root': str(tmp_path), 'img_dir': 'all', 'img_suffix': '.png'}
    converted = {'ann_dir': 'all', 'seg_map_suffix': '_labelTrainIds.png'}
    (tmp_path / 'converted_with.json').write_text('{"labels": "all", "label_suffix": "_mask.png"}')
    for labels in (converted, {}):
        images = CustomDataset(LOAD, **labels, **settings).img_infos
        assert [info['filename'] for info in images] == ['0.png', '1.png', '2.png']
    (tmp_path / 'converted_with.json').unlink()
    masks = CustomDataset(LOAD, ann_dir='all', seg_map_suffix='_mask.png', **settings)
    assert [i['filename'] for i in masks.img_infos] == ['0.png', '1.png', '2.png']
    np.testing.assert_array_equal(masks[2]['gt_semantic_seg'], 2)
    with pytest.raises(UserError, match='images and labels are the same files'):
        CustomDataset(LOAD, ann_dir='all', **settings)


def test_split__pairs_choose_labels(tmp_path):
    root = write_five_classes(tmp_path)
    write_png(root / 'masks/day/1_mask.png', np.full((18, 26), 3, np.uint8))
    (root / 'pairs.txt').write_text('photos/day/0.jpg masks/day/1_mask.png\n')
    dataset = custom(root, split='pairs.txt')
    assert len(dataset) == 1
    np.testing.assert_array_equal(dataset[0]['gt_semantic_seg'], 3)
    np.testing.assert_array_equal(dataset.get_gt_seg_map(0), 3)


def test_split__names_that_are_gone_are_told_at_the_start(tmp_path):
    root = write_five_classes(tmp_path)
    (root / 'some.txt').write_text('day/0\nday/5\n')
    with pytest.raises(UserError, match=r"some\.txt, line 2: 'day/5' names no file"):
        custom(root, split='some.txt', ann_dir=None)


@pytest.mark.parametrize('at_dataset', [False, True])
@pytest.mark.parametrize('at_step', [False, True])
def test_reduce_zero_label__said_once_or_twice_holds_everywhere(tmp_path, at_dataset, at_step):
    root = write_five_classes(tmp_path, values=(0, 1, 2, 3))
    step = {'type': 'LoadAnnotations', 'reduce_zero_label': at_step}
    dataset = custom(root, pipeline=[LOAD[0], step], reduce_zero_label=at_dataset)
    expected = [255, 0, 1, 2] if at_dataset or at_step else [0, 1, 2, 3]
    assert dataset[0]['gt_semantic_seg'][0, :4].tolist() == expected
    assert dataset.get_gt_seg_map(0)[0, :4].tolist() == expected


@pytest.mark.parametrize(
    ('classes', 'expected'),
    [
        (['floor', 'tree'], [255, 255, 0, 1]),
        (['tree', 'floor', 'wall'], [255, 2, 1, 0]),
        (['wall'], [255, 0, 255, 255]),
    ],
)
def test_reduce_zero_label__comes_before_the_choice_of_classes(tmp_path, classes, expected):
    class Room(CustomDataset):
        CLASSES = ('wall', 'floor', 'tree')
        PALETTE = ((1, 1, 1), (2, 2, 2), (3, 3, 3))

    root = write_five_classes(tmp_path, values=(0, 1, 2, 3))
    dataset = Room(
        LOAD,
        'photos',
        ann_dir='masks',
        seg_map_suffix='_mask.png',
        data_root=str(root),
        reduce_zero_label=True,
        classes=classes,
    )
    assert dataset[0]['gt_semantic_seg'][0, :4].tolist() == expected


def test_links__to_folders_and_files_are_followed_and_dead_ones_told(tmp_path):
    store = write_five_classes(tmp_path / 'store')
    root = tmp_path / 'root'
    for folder in ('photos', 'masks'):
        (root / folder).mkdir(parents=True)
        (root / folder / 'day').symlink_to(store / folder / 'day')
    assert len(custom(root)) == 3
    (store / 'photos/day/3.jpg').symlink_to('gone.jpg')
    with pytest.raises(UserError, match=r'1 of 4 files .*3\.jpg -> gone\.jpg'):
        custom(root)


def test_missing_labels__say_what_is_there_instead(tmp_path):
    root = write_five_classes(tmp_path)
    with pytest.raises(UserError, match=r'holds 3 \*\.png; set seg_map_suffix'):
        custom(root, seg_map_suffix='_label.png')
    with pytest.raises(UserError, match=r'holds 3 \*\.jpg; set img_suffix'):
        custom(root, img_suffix='.JPG')


@pytest.mark.parametrize('ignored', [-1, 65536])
def test_init__an_ignored_label_that_no_file_can_hold_is_refused(make_gta, ignored):
    with pytest.raises(UserError, match=f'expected a label from 0 to 65535, got {ignored}'):
        make_gta(ignore_index=ignored)
