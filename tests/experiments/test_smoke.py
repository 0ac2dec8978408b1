import json

import cv2
import pytest
from mmcv.utils import Config

from mmseg.experiments import runs, smoke
from mmseg.experiments.table import generate_experiment_cfgs
from mmseg.utils.errors import UserError


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes the config of an experiment's run, shrunk, and returns it."""
    monkeypatch.setattr(runs, 'GENERATED', tmp_path / 'generated')
    monkeypatch.setattr(runs, 'WORKSPACE', tmp_path)

    def write(id, file_format='json'):
        config = generate_experiment_cfgs(id)[0]
        path = tmp_path / runs.write_config(config, tmp_path / 'run', file_format)
        whole = Config.fromfile(str(path))
        smoke.shrink(path, 'streets')
        return whole, Config.fromfile(str(path))

    return write


def flat(config, prefix=''):
    """Map the dotted name of every value in a config to it."""
    pairs = config.items() if isinstance(config, dict) else enumerate(config)
    values = {}
    for key, value in pairs:
        nested = isinstance(value, dict | list | tuple)
        values |= flat(value, f'{prefix}{key}.') if nested else {f'{prefix}{key}': value}
    return values


@pytest.mark.parametrize('file_format', ['json', 'py'])
def test_shrink__changes_sizes_and_where_data_is_and_nothing_else(write, file_format):
    whole, small = (flat(config._cfg_dict.to_dict()) for config in write(7, file_format))
    assert set(small) - set(whole) == {
        'evaluation.save_best',
        'checkpoint_config.save_optimizer',
    }
    changed = {name for name, value in whole.items() if small[name] != value}
    sizes = {name for name in changed if name.startswith('data.') and name[-1] in '01'}
    assert {name.split('.')[-2] for name in sizes} == {'img_scale', 'crop_size', 'size'}
    assert changed - sizes == {
        'data.train.source.data_root',
        'data.train.target.data_root',
        'data.val.data_root',
        'data.test.data_root',
        'data.workers_per_gpu',
        'data.train.rare_class_sampling.min_pixels',
        'uda.pseudo_weight_ignore_top',
        'uda.pseudo_weight_ignore_bottom',
        'runner.max_iters',
        'log_config.interval',
        'evaluation.interval',
        'checkpoint_config.interval',
    }


def test_shrink__keeps_the_proportions(write):
    whole, small = write(7)
    crops = [
        next(step.crop_size for step in config.data.train.target.pipeline if 'crop_size' in step)
        for config in (whole, small)
    ]
    assert [list(crop) for crop in crops] == [[512, 512], [64, 64]]
    assert small.data.train.source.pipeline[2].img_scale == [160, 90]
    assert small.uda.pseudo_weight_ignore_bottom == 120 // 8
    assert small.data.train.rare_class_sampling.min_pixels == 3000 // 64


@pytest.mark.parametrize('id', [80, 84])
def test_shrink__a_crop_has_as_many_blocks_of_a_mask_as_before(write, id):
    configs = write(id)
    blocks = [config.uda.mask_generator.mask_block_size for config in configs]
    crops = [
        next(step.crop_size[0] for step in config.data.train.target.pipeline if 'crop_size' in step)
        for config in configs
    ]
    assert crops[1] < crops[0] and crops[0] // blocks[0] == crops[1] // blocks[1]


def test_shrink__source_only_and_target_only_read_drawn_streets_too(write):
    _, source_only = write(3)
    assert source_only.data.train.data_root == 'streets/gta/'
    assert source_only.data.val.data_root == 'streets/cityscapes/'
    _, target_only = write(100)
    assert target_only.data.train.data_root == 'streets/cityscapes/'
    _, weather = write(16)
    assert weather.data.val.data_root == 'streets/acdc/'


def test_shrink__fetches_no_weights(write):
    whole, small = write(1)
    assert whole.model.pretrained == 'open-mmlab://resnet101_v1c'
    assert small.model.pretrained is None


@pytest.mark.parametrize(
    ('data', 'message'),
    [
        ({'type': 'NightDataset', 'data_root': 'x'}, 'no streets are drawn for NightDataset'),
        ({'pipeline': []}, 'no RandomCrop'),
    ],
)
def test_shrink__other_data_is_named(tmp_path, data, message):
    crop = [{'type': 'RandomCrop', 'crop_size': [128, 128]}]
    path = tmp_path / 'config.json'
    path.write_text(json.dumps({'model': {}, 'data': {'train': {'pipeline': crop, **data}}}))
    with pytest.raises(UserError, match=message):
        smoke.shrink(path, 'streets')


def test_shrink__streets_stand_for_own_data_and_margins_shrink(tmp_path):
    crop = [{'type': 'RandomCrop', 'crop_size': [192, 192]}]
    own = {'type': 'CustomDataset', 'data_root': 'mine', 'classes': ['a', 'b'], 'pipeline': crop}
    target = {**own, 'img_dir': 'images', 'crop_pseudo_margins': [32, 240, 32, 32]}
    train = {'source': {**own, 'img_dir': 'images'}, 'target': target}
    data = {'train': train, 'val': {**own, 'img_dir': 'images/val'}}
    path = tmp_path / 'config.json'
    path.write_text(json.dumps({'model': {'decode_head': {'num_classes': 2}}, 'data': data}))
    smoke.shrink(path, 'streets')
    config = Config.fromfile(str(path))
    assert config.model.decode_head.num_classes == 19
    assert config.data.train.target.crop_pseudo_margins == [2, 15, 2, 2]
    for part, split in ((config.data.train.source, 'train'), (config.data.val, 'val')):
        assert part.type == 'CityscapesDataset' and 'classes' not in part
        assert (part.img_dir, part.ann_dir) == (f'leftImg8bit/{split}', f'gtFine/{split}')


def test_prepare_smoke_streets__acdc_and_dark_zurich_borrow_from_cityscapes(tmp_path, monkeypatch):
    def draw(root, scenes, layouts):
        assert layouts == ['gta', 'synthia', 'cityscapes']
        for folder, end in (('leftImg8bit', 'leftImg8bit'), ('gtFine', 'gtFine_labelTrainIds')):
            path = tmp_path / f'cityscapes/{folder}/val/lindau/lindau_000000_000019_{end}.png'
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), cv2.UMat(8, 8, cv2.CV_8U).get())

    monkeypatch.setattr(smoke, 'prepare_streets', draw)
    for _ in range(2):
        smoke.prepare_smoke_streets(tmp_path)
    names = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob('*GOPR*/*'))
    stem = 'GOPR0351/lindau_000000_000019'
    assert names == [
        f'acdc/gt/night/val/{stem}_gt_labelTrainIds.png',
        f'acdc/rgb_anon/night/val/{stem}_rgb_anon.png',
        f'dark_zurich/gt/val/night/{stem}_gt_labelTrainIds.png',
        f'dark_zurich/rgb_anon/val/night/{stem}_rgb_anon.png',
    ]
