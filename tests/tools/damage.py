"""Ways in which a file can be not what it should be."""

import os
import pickle
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image

from tests.utils.png_files import GREY, GREY_ALPHA, PALETTE, png

Damage = Callable[[Path], None]


def _cut(share: float) -> Damage:
    def damage(path: Path) -> None:
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * share)])

    return damage


def _content(data: bytes) -> Damage:
    return lambda path: path.write_bytes(data) and None


def _pixels(shape: tuple[int, ...], dtype: str = 'uint8', value: int = 7) -> Damage:
    def damage(path: Path) -> None:
        data = cv2.imencode('.png', np.full(shape, value, dtype))[1]
        path.write_bytes(data.tobytes())

    return damage


def _mode(mode: str, kind: str = 'PNG') -> Damage:
    def damage(path: Path) -> None:
        with Image.open(path) as image:
            converted = image.convert('RGB').convert(mode)
        converted.save(path, kind)

    return damage


def _numbers(depth: int, colour: int = GREY, channels: int = 1) -> Damage:
    """A PNG of 40×56 pixels whose numbers go up to what its bits can hold."""

    def damage(path: Path) -> None:
        numbers = np.arange(40 * 56 * channels).reshape(40, 56, channels) % (1 << depth)
        path.write_bytes(png(numbers[..., 0] if channels == 1 else numbers, depth, colour))

    return damage


def _saved(kind: str, **options: object) -> Damage:
    """The same pixels in another format under the same name."""

    def damage(path: Path) -> None:
        with Image.open(path) as image:
            pixels = image.copy()
        pixels.save(path, kind, **options)

    return damage


def _several_frames(path: Path) -> None:
    with Image.open(path) as image:
        frames = [image.copy(), image.transpose(Image.Transpose.ROTATE_180)]
    frames[0].save(path, 'PNG', save_all=True, append_images=frames[1:])


def _turned(orientation: int) -> Damage:
    def damage(path: Path) -> None:
        exif = Image.Exif()
        exif[0x0112] = orientation
        _saved('PNG', exif=exif.tobytes())(path)

    return damage


def _flip(place: float) -> Damage:
    def damage(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[int(len(content) * place)] ^= 0xFF
        path.write_bytes(content)

    return damage


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to('nowhere.png')


def _name_not_utf8(path: Path) -> None:
    os.rename(path, os.fsencode(path.with_name('7')) + b'\xff' + path.suffix.encode())


def _endless_header(path: Path) -> None:
    """A PNG that claims to be 100,000 by 100,000 pixels."""
    size = struct.pack('>IIBBBBB', 100_000, 100_000, 8, 0, 0, 0, 0)
    chunk = b'IHDR' + size
    head = b'\x89PNG\r\n\x1a\n' + struct.pack('>I', 13) + chunk
    end = struct.pack('>I', 0) + b'IEND' + struct.pack('>I', zlib.crc32(b'IEND'))
    path.write_bytes(head + struct.pack('>I', zlib.crc32(chunk)) + end)


class Hostile:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple:
        return os.mkdir, (self.folder,)


def _hostile(save: Callable[[object, Path], None]) -> Damage:
    return lambda path: save({'state_dict': Hostile(f'{path}.made')}, path)


IMAGE_DAMAGES: dict[str, Damage] = {
    'truncated': _cut(0.5),
    'cut_in_its_header': lambda path: path.write_bytes(path.read_bytes()[:20]) and None,
    'zero_bytes': _content(b''),
    'one_byte': _content(b'\x89'),
    'a_text': _content(b'this is no picture\n' * 9),
    'nothing_but_zeros': _content(bytes(500)),
    'flipped_in_its_header': _flip(0.05),
    'flipped_in_its_middle': _flip(0.5),
    'an_endless_header': _endless_header,
    'grey': _mode('L'),
    'with_alpha': _mode('RGBA'),
    'palette': _mode('P'),
    'one_bit': _mode('1'),
    'cmyk_jpeg': _mode('CMYK', 'JPEG'),
    'of_16_bits': _pixels((40, 56), 'uint16', 3),
    'of_16_bits_and_high': _pixels((40, 56), 'uint16', 40_000),
    'label_200': _pixels((40, 56), value=200),
    'of_12_bits_in_16': _pixels((40, 56), 'uint16', 4095),
    'of_two_bits': _numbers(2),
    'of_four_bits': _numbers(4),
    'of_palette_indices_of_one_bit': _numbers(1, PALETTE),
    'grey_with_alpha_of_16_bits': _numbers(16, GREY_ALPHA, 2),
    'upside_down_by_exif': _turned(3),
    'lying_by_exif': _turned(6),
    'of_several_frames': _several_frames,
    'a_tiff_by_another_name': _saved('TIFF'),
    'a_webp_by_another_name': _saved('WEBP', lossless=True),
    'a_gif_by_another_name': _saved('GIF'),
    'wrong_size': _pixels((33, 70)),
    'one_pixel': _pixels((1, 1)),
    'a_folder': _folder,
    'gone': Path.unlink,
    'a_dangling_link': _dangling,
    'a_name_not_utf8': _name_not_utf8,
}

CHECKPOINT_DAMAGES: dict[str, Damage] = {
    'truncated': _cut(0.7),
    'zero_bytes': _content(b''),
    'a_text': _content(b'no weights'),
    'flipped_in_its_directory': _flip(0.999),
    'hostile': _hostile(torch.save),
    'hostile_plain_pickle': _hostile(lambda data, path: path.write_bytes(pickle.dumps(data))),
    'a_list': lambda path: torch.save([1, 2], path),
    'of_another_network': lambda path: torch.save({'state_dict': {'a': torch.ones(3)}}, path),
    'weights_that_are_numbers': lambda path: torch.save({'state_dict': {'a': 1}}, path),
    'a_folder': _folder,
    'gone': Path.unlink,
}

# What a split file may hold, and whether it means images that are there.
SPLITS: dict[str, tuple[bytes, bool]] = {
    'of_names_with_suffix': (b'0.png\n1.png\n2.png\n', True),
    'of_pairs': (b'images/0.png labels/0.png\nimages/1.png labels/1.png\n', True),
    'with_a_byte_order_mark': (b'\xef\xbb\xbf0\n1\n', True),
    'in_utf16': ('0\n1\n'.encode('utf-16'), True),
    'with_lines_of_windows': (b'0\r\n1\r\n', True),
    'without_an_end_of_its_last_line': (b'0\n1', True),
    'of_paths_that_are_gone': (b'0\n/elsewhere/1.png\n', False),
    'of_a_name_that_is_gone': (b'0\n77\n', False),
    'empty': (b'', False),
    'of_nothing_but_blanks': (b' \n\n\t\n', False),
    'not_a_text': (b'\x89PNG\r\n\x1a\n\xff\xfe\x00', False),
}

STATISTICS_DAMAGES: dict[str, Damage] = {
    'truncated': _cut(0.5),
    'zero_bytes': _content(b''),
    'not_utf8': _content(b'["\xff\xfe"]'),
    'a_number': _content(b'7'),
    'of_numbers': _content(b'[1, 2]'),
    'of_counts_that_are_texts': _content(b'[{"file": "labels/0.png", "0": "many"}]'),
    'of_classes_that_are_texts': _content(b'{"road": [["labels/0.png", 3]]}'),
    'nested_without_end': _content(b'[' * 100_000),
    'a_folder': _folder,
    'gone': Path.unlink,
}

_LAUGHS = [f'a{n}: &a{n} [{", ".join([f"*a{n - 1}"] * 9)}]' for n in range(1, 10)]
CONFIG_FILES: dict[str, tuple[str, bytes]] = {
    'a_billion_laughs': ('c.yaml', '\n'.join(['a0: &a0 [lol]', *_LAUGHS]).encode()),
    'a_billion_laughs_called_json': ('c.json', '\n'.join(['a0: &a0 [lol]', *_LAUGHS]).encode()),
    'yaml_that_calls': ('c.yml', b'model: !!python/object/apply:os.mkdir [made]'),
    'zero_bytes': ('c.json', b''),
    'not_utf8': ('c.json', b'{"model": "\xff"}'),
    'python_not_utf8': ('c.py', b'model = "\xff"'),
    'python_that_raises': ('c.py', b'model = dict(a=1)[2]'),
    'python_that_exits': ('c.py', b'raise SystemExit(0)'),
    'python_that_is_cut_off': ('c.py', b'model = dict(type='),
    'a_list': ('c.json', b'[1, 2]'),
    'null': ('c.json', b'null'),
    'nested_without_end': ('c.json', b'{"a": ' * 100_000),
    'with_a_base_that_is_code': ('c.json', b'{"_base_": "evil.py"}'),
    'with_a_base_that_is_yaml': ('c.json', b'{"_base_": ["evil.yaml"]}'),
    'with_a_base_that_is_gone': ('c.json', b'{"_base_": "gone.json"}'),
    'with_itself_as_its_base': ('c.json', b'{"_base_": "c.json"}'),
    'with_a_number_as_its_base': ('c.json', b'{"_base_": 7}'),
    'with_modules_to_import': ('c.json', b'{"custom_imports": {"imports": ["evil"]}}'),
    'with_duplicate_bases': ('c.json', b'{"_base_": ["a.json", "a.json"]}'),
}

# Setting -> a value that it must not have.
CONFIG_VALUES: list[tuple[str, object]] = [
    ('model', 3),
    ('model', 'EncoderDecoder'),
    ('model.type', 'EncoderDecoderr'),
    ('model.type', 7),
    ('model.backbone', [1]),
    ('model.backbone.type', 'mit_b9'),
    ('model.decode_head', 'x'),
    ('model.decode_head.num_classes', 'five'),
    ('model.decode_head.channels', [16]),
    ('model.decode_head.in_index', 'all'),
    ('model.decode_head.loss_decode', 'x'),
    ('data', []),
    ('data.train', 'x'),
    ('data.train.type', 'NoDataset'),
    ('data.train.img_dir', 5),
    ('data.train.img_dir', 'nowhere'),
    ('data.train.classes', 7),
    ('data.train.palette', 'red'),
    ('data.train.pipeline', 'x'),
    ('data.train.pipeline', [1]),
    ('data.train.pipeline', [{'type': 'NoStep'}]),
    ('data.train.pipeline', [{'type': 'RandomFlip', 'prob': 'often'}]),
    ('data.train.pipeline', [{'type': 'RandomCrop', 'crop_size': 'small'}]),
    ('data.samples_per_gpu', 'two'),
    ('data.samples_per_gpu', 0),
    ('data.workers_per_gpu', -1),
    ('data.workers_per_gpu', 1.5),
    ('optimizer', 'AdamW'),
    ('optimizer.lr', 'fast'),
    ('optimizer.type', 3),
    ('optimizer.betas', 'x'),
    ('lr_config', 5),
    ('lr_config.policy', 3),
    ('lr_config.power', 'x'),
    ('runner', 3),
    ('runner.max_iters', 'many'),
    ('runner.max_iters', 0),
    ('runner.type', 'EpochBasedRunner'),
    ('checkpoint_config', 'x'),
    ('checkpoint_config.interval', 'often'),
    ('log_config', []),
    ('log_config.interval', 0),
    ('log_config.hooks', [3]),
    ('seed', 'abc'),
    ('seed', -1),
    ('amp', 'fp8'),
    ('amp', 7),
    ('work_dir', 5),
    ('load_from', 7),
    ('custom_hooks', [3]),
    ('max_skipped_steps', 1),
]

# Setting of an adaptation -> a value that it must not have.
ADAPTATION_VALUES: list[tuple[str, object]] = [
    ('uda.alpha', 1.0),
    ('uda.alpha', -0.1),
    ('uda.pseudo_threshold', 96.8),
    ('uda.pseudo_threshold', -1),
    ('uda.pseudo_weight_ignore_top', -1),
    ('uda.pseudo_weight_ignore_bottom', -120),
    ('uda.imnet_feature_dist_lambda', -0.005),
    ('uda.color_jitter_strength', -0.2),
    ('uda.color_jitter_probability', 2),
    ('uda.mix', 'cut'),
    ('uda.momentum', 0.9),
    ('uda.instance.num_entries', 0),
    ('uda.instance.momentum', 1.5),
    ('uda.instance.smoothing', -1),
    ('uda.instance.temperature', 0),
    ('uda.instance.update_interval', 0),
    ('uda.instance.fill_patience', 0),
    ('uda.instance.loss_weight', -0.5),
    ('uda.instance.form', 'cosine'),
    ('uda.instance.vectors', 'median'),
    ('uda.instance.bank_file', 'nowhere'),
    ('uda.instance.entries', 300),
    ('optimizer_config', {'grad_clip': {'max_norm': 0}}),
    ('optimizer_config', {'grad_clip': {'norm': 1}}),
    ('optimizer_config', {'type': 'NoSuchHook'}),
    ('optimizer_config', {'type': 'GradientCumulativeOptimizerHook', 'cumulative_iters': 0}),
    ('lr_config', {'policy': 'poly', 'warmup': 'linear', 'warmup_ratio': 7}),
    ('model.decode_head.num_classes', 9),
    ('model.decode_head.num_classes', 4),
    ('model.decode_head.ignore_index', 7),
    ('data.train.source.classes', ['road', 'building', 'sidewalk', 'pole', 'sky']),
    ('data.train.target.classes', ['road', 'sidewalk', 'building', 'pole']),
    ('data.train.source.palette', [[1, 2, 3]]),
    ('data.train.source.palette', [[1, 2, 300]] * 5),
    ('data.train.source.ignore_index', 70000),
    ('data.train.source.ann_dir', None),
    ('data.train.rare_class_sampling.class_temp', 0),
    ('data.train.rare_class_sampling.min_pixels', -1),
    ('data.train.rare_class_sampling.pixels', 5),
    ('data.train', {'type': 'CustomDataset', 'img_dir': 'images', 'pipeline': []}),
    ('amp', 'half'),
]
