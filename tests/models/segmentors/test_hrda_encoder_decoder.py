"""HRDA, held against the figures of the published code."""

import copy
import json

import pytest
import torch
from mmcv import Config, ConfigDict

from mmseg.models import build_segmentor
from mmseg.ops.boxes import Box, draw_box
from mmseg.utils.errors import UserError
from tests.golden import FOLDER, load
from tests.golden.hrda_mic_inputs import fill_sharp, scene_for
from tests.models.networks import CONFIGS, published_config

TOLERANCE = {'atol': 2e-4, 'rtol': 1e-3}
META = {'ori_shape': (256, 256, 3), 'img_shape': (256, 256, 3), 'flip': False}
# Option of the golden files → what it changes in the segmentor, and in the head.
OPTIONS = {
    'hr0': ({}, {'hr_loss_weight': 0.0}),
    'lr_hr': ({}, {'lr_loss_weight': 0.2}),
    'fixed': ({}, {'fixed_attention': 0.5}),
    'single': ({}, {'attention_classwise': False}),
    'blur': ({'blur_hr_crop': True}, {}),
    'samescale': ({'scales': [1, 1], 'feature_scale': 1}, {}),
    'sc025': ({'scales': [0.25, 1], 'feature_scale': 0.25}, {}),
    'sc075': ({'scales': [0.75, 1], 'feature_scale': 0.75}, {}),
    'fullcrop': ({'hr_crop_size': [256, 256], 'crop_coord_divisible': 8}, {'lr_loss_weight': 0.1}),
}
TEST_OPTIONS = {
    'nooverlap': ({'hr_slide_overlapping': False}, {}),
    'noslide': ({'hr_slide_inference': False}, {}),
    'lr_only': ({}, {'fixed_attention': 0.0}),
    'hr_only': ({}, {'fixed_attention': 1.0}),
    'attention': ({}, {'debug_output_attention': True}),
}


@pytest.fixture(scope='module')
def golden():
    return {key: torch.from_numpy(value) for key, value in load('hrda_segmentor').items()}


def small_hrda(segmentor=(), head=()):
    """The small network of the golden files."""
    config = published_config('sepaspp')
    params = {**config.decode_head.decoder_params, 'embed_dims': 32}
    decode_head = {
        **config.decode_head,
        'type': 'HRDAHead',
        'single_scale_head': 'DAFormerHead',
        'in_channels': [32, 64, 160, 256],
        'channels': 32,
        'num_classes': 7,
        'dropout_ratio': 0,
        'decoder_params': params,
        'attention_embed_dim': 24,
        'hr_loss_weight': 0.1,
        **dict(head),
    }
    return {
        'type': 'HRDAEncoderDecoder',
        'backbone': {'type': 'mit_b0', 'drop_path_rate': 0.0},
        'decode_head': decode_head,
        'scales': [1, 0.5],
        'hr_crop_size': [128, 128],
        'feature_scale': 0.5,
        'crop_coord_divisible': 8,
        **dict(segmentor),
    }


def deeplab():
    config = Config.fromfile(CONFIGS / 'deeplabv2red_r50-d8.py').model
    settings = {**config.decode_head, 'num_classes': 7}
    head = {**settings, 'type': 'HRDAHead', 'single_scale_head': 'DLV2Head', 'hr_loss_weight': 0.1}
    return {
        **small_hrda(),
        'backbone': {**config.backbone, 'norm_cfg': {'type': 'BN', 'requires_grad': True}},
        'decode_head': head,
    }


def built(config):
    return fill_sharp(build_segmentor(config)).eval().requires_grad_(False)


@pytest.fixture(scope='module')
def network():
    return built(small_hrda())


def images(name, shape):
    return torch.from_numpy(scene_for(name, shape))


@pytest.fixture(scope='module')
def image_a():
    return images('hrda_a', (2, 3, 256, 256))


def box_of(golden, name):
    return Box(*golden[name].tolist())


def close(ours, theirs):
    torch.testing.assert_close(ours, theirs.to(ours.dtype), **TOLERANCE)


def holds_losses(losses, golden, prefix):
    expected = {k.removeprefix(f'{prefix}/'): v for k, v in golden.items() if f'{prefix}/' in k}
    expected = {k: v for k, v in expected.items() if k.startswith('decode')}
    assert set(losses) == set(expected)
    for name, value in expected.items():
        assert losses[name].item() == pytest.approx(value.item(), rel=1e-3, abs=2e-4)


def parts(network, image, box):
    """Logits of both scales and the attention, before they are fused."""
    context = network.extract_feat(image)
    head = network.decode_head
    logits = head(context)
    detail = head(network.extract_detail(image, box))
    return logits, detail, head.attention(context, logits)


def test_run_pass__equals_the_published_maps_and_losses(golden, network, image_a):
    box = box_of(golden, 'a_box')
    context, detail, attention = parts(network, image_a, box)
    close(context, golden['a_lr_logits'])
    close(detail, golden['a_hr_logits'])
    close(attention, golden['a_attention'])
    embedded = network.forward_embedding(image_a, box)
    close(embedded.branches['lr'], golden['a_lr_weighted'])
    fused = network._in_box(image_a, box)[0].logits
    close(fused, golden['a_fused'])
    close(embedded.features[-1], golden['a_features_last'])
    shapes = [list(maps.shape) for maps in embedded.features]
    assert shapes == golden['a_features_shapes'].tolist()
    labels, weight = golden['a_label'].long(), golden['a_weight'].float()
    holds_losses(network.losses(embedded, labels), golden, 'a_loss')
    holds_losses(network.losses(embedded, labels, weight), golden, 'a_wloss')


@pytest.mark.parametrize('option', OPTIONS)
def test_options__equal_the_published_ones_in_training(golden, image_a, option):
    network = built(small_hrda(*OPTIONS[option]))
    box = Box(0, 256, 0, 256) if option == 'fullcrop' else box_of(golden, 'a_box')
    labels, weight = golden['a_label'].long(), golden['a_weight'].float()
    embedded = network.forward_embedding(image_a, box)
    fused = network._in_box(image_a, box)[0]
    if f'a_{option}_fused_s4' in golden:
        close(fused.logits[:, :, 1::4, 2::4], golden[f'a_{option}_fused_s4'])
    if option == 'single':
        close(fused.attention, golden['a_single_attention'])
    holds_losses(network.losses(embedded, labels, weight), golden, f'a_{option}_wloss')


def test_whole_pass__equals_the_published_maps(golden, network, image_a):
    close(network._whole(image_a[:1])[0].logits, golden['a_test_fused'])
    windows = [*network._windows((256, 256))]
    assert [list(box) for box in windows] == golden['a_test_slide_boxes'].tolist()
    close(network._means_of_windows(image_a[:1], windows, False)[0], golden['a_test_hr_logits'])
    logits = network.encode_decode(image_a[:1], [META])
    close(logits[:, :, 1::5, 2::5], golden['a_test_logits_s5'])
    of_batch = network._whole(image_a)[0].logits
    close(of_batch[:, :, 1::4, 2::4], golden['a_test_fused_of_batch_s4'])


@pytest.mark.parametrize('option', TEST_OPTIONS)
def test_options__equal_the_published_ones_in_tests(golden, image_a, option):
    network = built(small_hrda(*TEST_OPTIONS[option]))
    if option == 'attention':
        network.decode_head.upsample = lambda maps, size: (
            maps
            if maps.shape[1] == 1
            else type(network.decode_head).upsample(network.decode_head, maps, size)
        )
        maps = network.encode_decode(image_a[:1], [META])
    else:
        maps = network._whole(image_a[:1])[0].logits
    close(maps[:, :, 1::4, 2::4], golden[f'a_test_{option}_s4'])


@pytest.mark.parametrize('batched', [True, False])
def test_inference__in_windows_equals_the_published_probabilities(golden, network, batched):
    image = images('hrda_wide', (1, 3, 256, 448))
    meta = {'ori_shape': (300, 520, 3), 'img_shape': (256, 448, 3), 'flip': False}
    network = copy.copy(network)
    window = {'mode': 'slide', 'crop_size': (256, 256), 'stride': (128, 128)}
    network.test_cfg = ConfigDict({**window, 'batched_slide': batched})
    probs = network.inference(image, [meta], rescale=True)
    close(probs[:, :, 1::6, 2::6], golden['slide_prob_s6'])
    assert torch.equal(probs.argmax(1)[0], golden['slide_label'].long())


def test_other_sizes__equal_the_published_ones(golden):
    wide = built(small_hrda({'hr_crop_size': [96, 160]}))
    image, box = images('hrda_b', (1, 3, 192, 320)), box_of(golden, 'b_box')
    for ours, name in zip(parts(wide, image, box), ('lr', 'hr'), strict=False):
        close(ours, golden[f'b_{name}_logits'])
    close(wide._in_box(image, box)[0].logits, golden['b_fused'])
    losses = wide.losses(wide.forward_embedding(image, box), golden['b_label'].long())
    holds_losses(losses, golden, 'b_loss')
    close(wide._whole(image)[0].logits, golden['b_test_fused'])
    square = built(small_hrda())
    image = images('hrda_c', (1, 3, 232, 312))
    boxes = [list(box) for box in square._windows((232, 312))]
    assert boxes == golden['c_test_slide_boxes'].tolist()
    close(square._whole(image)[0].logits, golden['c_test_fused'])


def test_deeplab__equals_the_published_one(golden):
    network = built(deeplab())
    image = images('hrda_d', (1, 3, 256, 256))
    even, odd = box_of(golden, 'd_even_box'), box_of(golden, 'd_odd_box')
    for ours, name in zip(
        parts(network, image, even), ('lr_logits', 'hr_logits', 'attention'), strict=True
    ):
        close(ours, golden[f'd_{name}'])
    for box, name in ((even, 'd_even'), (odd, 'd_odd')):
        close(network._in_box(image, box)[0].logits, golden[f'{name}_fused'])
        losses = network.losses(network.forward_embedding(image, box), golden['d_label'].long())
        holds_losses(losses, golden, f'{name}_loss')
    close(network._whole(image)[0].logits, golden['d_test_fused'])
    # Published boxes at odd multiples of 8 put the attention half a cell off the detail.
    assert network.cell == 16
    boxes = [network.draw_crop((256, 256)) for _ in range(50)]
    assert all(side % 16 == 0 for box in boxes for side in box)


@pytest.mark.parametrize(('scale', 'cell'), [(0.25, 16), (0.5, 8), (0.75, 16), (1, 4)])
def test_draw_crop__boxes_are_whole_cells_of_both_scales(scale, cell):
    network = build_segmentor(small_hrda({'scales': [1, scale], 'feature_scale': scale}))
    assert network.cell == cell
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        box = network.draw_crop((256, 256), generator)
        for stride in (4, 4 / scale):
            assert all((side / stride).is_integer() for side in box)


BOXES = json.loads((FOLDER / 'hrda_boxes.json').read_text())


@pytest.mark.parametrize('row', BOXES['crop_boxes'])
def test_draw_box__every_published_place_may_be_drawn_and_the_last_that_fits_too(row):
    generator = torch.Generator().manual_seed(0)
    size, crop, step = row['image'], row['crop'], row['divisible']
    drawn = [draw_box(size, crop, step, generator) for _ in range(4000)]
    assert {box.size for box in drawn} == {tuple(row['box_size'])}
    for name, offsets in (('y', {b.y1 for b in drawn}), ('x', {b.x1 for b in drawn})):
        published = row[f'{name}_offsets']
        first, last = published['first'], published['last_that_would_fit']
        assert offsets == {*range(first, last + 1, published['step'])}


@pytest.mark.parametrize('row', BOXES['box_to_cells'])
def test_box__covers_the_published_cells(row):
    cells = Box(*row['box']).cells(row['head_stride'] / row['scale'])
    assert [*cells] == row['cells']


@pytest.mark.parametrize('row', BOXES['slide_windows'])
def test_windows__are_the_published_ones_in_their_order(row, network):
    network = copy.copy(network)
    network.hr_crop_size, network.hr_slide_overlapping = row['crop'], row['overlapping']
    assert [list(box) for box in network._windows(row['image'])] == row['boxes']


@pytest.mark.parametrize('row', BOXES['crop_boxes_of_other_sizes'])
def test_draw_crop__sizes_that_the_published_code_fails_at(row, network):
    network = copy.copy(network)
    network.hr_crop_size = tuple(row['crop'])
    (height, width), (crop, _) = row['image'], row['crop']
    if height < crop or height % network.cell:
        with pytest.raises(UserError, match=r'larger than the crop|take a multiple of 8'):
            network.draw_crop((height, width))
    else:
        box = network.draw_crop((height, width))
        assert box.size == (crop, crop) and box.y1 == 0 and box.x2 <= width


KEYS = json.loads((FOLDER / 'hrda_mic_state_dict_keys.json').read_text())['segmentors']


@pytest.mark.parametrize(
    ('file', 'name'),
    [
        ('hrda1-512-0.1_daformer_sepaspp_mitb5', 'hrda_daformer_sepaspp_mitb5'),
        ('hrda1-512-0.1_dlv2red_r101v1c', 'hrda_dlv2red_r101v1c'),
    ],
)
def test_state_dict__has_the_published_names_and_shapes(file, name):
    model = Config.fromfile(CONFIGS / f'{file}.py').model
    ours = {key: list(value.shape) for key, value in build_segmentor(model).state_dict().items()}
    assert ours == KEYS[name]


@pytest.mark.parametrize(
    ('segmentor', 'head', 'message'),
    [
        ({}, {'hr_loss_weight': 0.9, 'lr_loss_weight': 0.2}, r'leave something of 1 .* 0\.9 and'),
        ({}, {'fixed_attention': 2}, r'fixed_attention: expected None or \[0, 1\], got 2'),
        ({'scales': [0.5]}, {}, r'scales: expected the context, above 0, and the detail, 1'),
        ({'feature_scale': 1}, {}, r"expected the context's, 0\.5, or 'all', got 1"),
        ({}, {'type': 'DAFormerHead'}, r'DAFormerHead has no setting|wrap it'),
        ({}, {'single_scale_head': 'DAFormrHead'}, r"DAFormrHead.*did you mean 'DAFormerHead'"),
    ],
)
def test_init__refuses_what_can_not_be(segmentor, head, message):
    with pytest.raises(UserError, match=message):
        build_segmentor(small_hrda(segmentor, head))


@pytest.mark.parametrize(
    ('crop', 'size', 'message'),
    [
        ((128, 128), (96, 256), r'hr_crop_size=\(128, 128\): the detail crop is larger than'),
        ((124, 128), (256, 256), r'hr_crop_size: 124 pixels .* multiple of 8, 120 or 128'),
        ((128, 128), (256, 252), r'crop_size: 252 pixels .* multiple of 8, 248 or 256'),
    ],
)
def test_draw_crop__refuses_what_does_not_fit(network, crop, size, message):
    network = copy.copy(network)
    network.hr_crop_size = crop
    with pytest.raises(UserError, match=message):
        network.draw_crop(size)


def test_run_pass__one_batch_or_two_give_the_same(golden, network, image_a, monkeypatch):
    box = box_of(golden, 'a_box')
    together = network.forward_embedding(image_a, box).logits
    path = 'mmseg.models.segmentors.hrda_encoder_decoder._mixes_images'
    monkeypatch.setattr(path, lambda module: True)
    torch.testing.assert_close(network.forward_embedding(image_a, box).logits, together)


def test_head_stride__is_told_without_a_trace(network):
    network = build_segmentor(small_hrda()).train()
    modes = [module.training for module in network.modules()]
    state = copy.deepcopy(network.state_dict())
    assert network.head_stride == 4 and network.cell == 8
    assert [module.training for module in network.modules()] == modes
    assert all(torch.equal(value, state[key]) for key, value in network.state_dict().items())
