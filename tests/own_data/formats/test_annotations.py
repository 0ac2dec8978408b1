"""Files of COCO, LabelMe and CVAT as the tools write them, and the label maps that come of them."""

import base64
import io
import json
import sys

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_tools

from mmseg.own_data.formats.detection import Options, read_labels
from mmseg.own_data.pictures import look_into
from mmseg.utils.errors import UserError
from tests.own_data.files import photographs

SIZE = (6, 4)  # width, height


@pytest.fixture
def pictures(tmp_path):
    return look_into(photographs(tmp_path / 'images', ['a.jpg', 'sub/b.png'], SIZE)).pictures


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def label_map(reading, number=0):
    return reading.images[number][1]().tolist()


def coco(annotations, categories=((1, 'car'), (7, 'road')), images=None, **fields):
    width, height = SIZE
    listed = images or [{'id': 5, 'file_name': 'a.jpg', 'width': width, 'height': height}]
    names = [{'id': id, 'name': name, **fields.get(name, {})} for id, name in categories]
    full = [{'id': i, 'image_id': 5, 'iscrowd': 0, **a} for i, a in enumerate(annotations)]
    return {'images': listed, 'annotations': full, 'categories': names}


CAR = {'category_id': 1, 'segmentation': [[1, 1, 3, 1, 3, 3, 1, 3]]}
ROAD = {'category_id': 7, 'segmentation': [[0, 0, 6, 0, 6, 3, 0, 3]]}


def test_coco__small_regions_lie_on_large_ones_and_the_rest_is_background(tmp_path, pictures):
    path = write(tmp_path / 'instances.json', coco([CAR, ROAD]))
    reading = read_labels(path, pictures, Options())
    assert reading.format == 'COCO JSON' and reading.classes == ['background', 'car', 'road']
    assert label_map(reading) == [
        [2, 2, 2, 2, 2, 2],
        [2, 1, 1, 2, 2, 2],
        [2, 1, 1, 2, 2, 2],
        [0, 0, 0, 0, 0, 0],
    ]
    told = '\n'.join(reading.lines)
    assert 'the smaller one is on top' in told and "pixels of no region are 'background'" in told
    assert '1 pictures are not annotated: left out: b.png' in told


def test_coco__the_rest_and_a_class_may_be_ignored_and_the_later_region_be_on_top(
    tmp_path, pictures
):
    path = write(tmp_path / 'instances.json', coco([CAR, ROAD]))
    reading = read_labels(path, pictures, Options('ignore', 'later', ['car']))
    assert reading.classes == ['road']
    assert label_map(reading) == [[0] * 6] * 3 + [[255] * 6]
    reading = read_labels(path, pictures, Options(ignored=['car']))
    assert label_map(reading)[1] == [1, 255, 255, 1, 1, 1]
    with pytest.raises(UserError, match=r"--ignore cart: there is no such class; .*'car'"):
        read_labels(path, pictures, Options(ignored=['cart']))


def test_coco__run_lengths_compressed_and_plain_are_one_mask(tmp_path, pictures):
    mask = np.zeros(SIZE[::-1], np.uint8)
    mask[1:3, 4:] = 1
    packed = coco_tools.encode(np.asfortranarray(mask))
    packed['counts'] = packed['counts'].decode()
    plain = {'size': [4, 6], 'counts': [17, 2, 2, 2, 1]}  # along columns
    for outline in (packed, plain):
        annotation = {'category_id': 1, 'segmentation': outline}
        path = write(tmp_path / 'rle.json', coco([annotation]))
        assert label_map(read_labels(path, pictures, Options())) == mask.tolist()


def test_coco__crowds_lie_below_all_and_stuff_below_things(tmp_path, pictures):
    crowd = {**CAR, 'iscrowd': 1, 'segmentation': {'size': [4, 6], 'counts': [4, 4, 16]}}
    wide = {'category_id': 1, 'segmentation': [[0, 0, 6, 0, 6, 2, 0, 2]]}
    narrow = {'category_id': 7, 'segmentation': [[1, 0, 2, 0, 2, 4, 1, 4]]}
    things = coco([wide, narrow, crowd], road={'isthing': 0}, car={'isthing': 1})
    reading = read_labels(write(tmp_path / 'stuff.json', things), pictures, Options())
    assert label_map(reading) == [[1] * 6, [1] * 6, [0, 2, 0, 0, 0, 0], [0, 2, 0, 0, 0, 0]]


def test_coco__agrees_with_pycocotools_but_for_pixels_on_borders(tmp_path):
    size = (64, 48)
    pictures = look_into(photographs(tmp_path / 'images', ['a.jpg'], size)).pictures
    angles = np.linspace(0, 2 * np.pi, 10, endpoint=False)
    radii = np.resize([20, 9], 10)[:, None]
    star = radii * np.stack([np.cos(angles), np.sin(angles)], axis=1) + [32, 24]
    ring = star.ravel().tolist()
    images = [{'id': 5, 'file_name': 'a.jpg', 'width': 64, 'height': 48}]
    path = write(
        tmp_path / 'one.json', coco([{'category_id': 1, 'segmentation': [ring]}], images=images)
    )
    ours = np.array(label_map(read_labels(path, pictures, Options())))
    theirs = coco_tools.decode(coco_tools.merge(coco_tools.frPyObjects([ring], 48, 64)))
    assert theirs.sum() > 300 and (ours != theirs).mean() < 0.03


def test_coco__what_can_not_be_drawn_is_counted(tmp_path, pictures):
    box_only = {'category_id': 1, 'segmentation': [], 'bbox': [0, 0, 2, 2]}
    path = write(tmp_path / 'x.json', coco([CAR, box_only, {**CAR, 'category_id': 99}]))
    told = '\n'.join(read_labels(path, pictures, Options()).lines)
    assert '1 annotations without a region' in told
    assert '1 annotations of an image or a category that is not listed' in told


def test_coco__another_size_or_a_missing_picture_is_told(tmp_path, pictures):
    listed = [
        {'id': 5, 'file_name': 'a.jpg', 'width': 4, 'height': 6},
        {'id': 6, 'file_name': 'gone.jpg', 'width': 6, 'height': 4},
        {'id': 7, 'file_name': 'b.png', 'width': 6, 'height': 4},
    ]
    path = write(tmp_path / 'x.json', coco([CAR], images=listed))
    reading = read_labels(path, pictures, Options())
    assert [picture.name for picture, _ in reading.images] == ['sub/b']
    told = '\n'.join(reading.lines)
    assert 'another size than their annotation: left out: a.jpg (4×6, the picture 6×4)' in told
    assert '1 annotated pictures are not there: left out: gone.jpg' in told
    assert '1 pictures have no region: kept: b.png' in told
    path = write(tmp_path / 'x.json', coco([CAR], images=listed[:2]))
    with pytest.raises(UserError, match=r'no picture fits the annotations: .*there are'):
        read_labels(path, pictures, Options())


def test_coco__compressed_run_lengths_without_pycocotools_say_what_to_install(
    tmp_path, pictures, monkeypatch
):
    outline = {'size': [4, 6], 'counts': '04d0'}
    path = write(tmp_path / 'x.json', coco([{'category_id': 1, 'segmentation': outline}]))
    monkeypatch.setitem(sys.modules, 'pycocotools', None)
    with pytest.raises(UserError, match="pip install 'pycocotools"):
        read_labels(path, pictures, Options())
    path = write(tmp_path / 'x.json', coco([CAR]))
    assert np.sum(label_map(read_labels(path, pictures, Options()))) == 4


def labelme(shapes, name='a.jpg', size=SIZE):
    full = [{'group_id': None, 'flags': {}, **shape} for shape in shapes]
    sizes = {'imageWidth': size[0], 'imageHeight': size[1]}
    return {'version': '5.4.1', 'flags': {}, 'imagePath': name, 'imageData': None} | {
        'shapes': full,
        **sizes,
    }


def test_labelme__polygons_rectangles_circles_and_masks_the_later_on_top(tmp_path, pictures):
    png = io.BytesIO()
    Image.fromarray(np.array([[255, 0]], np.uint8)).convert('1').save(png, 'png')
    drawn = [
        {'label': 'soil', 'shape_type': 'rectangle', 'points': [[6, 3], [0, 0]]},
        {'label': 'leaf', 'shape_type': 'polygon', 'points': [[0, 0], [2, 0], [2, 1], [0, 1]]},
        {'label': 'dot', 'shape_type': 'circle', 'points': [[4.5, 1.5], [4.5, 2.5]]},
        {
            **{'label': 'leaf', 'shape_type': 'mask', 'points': [[0, 3], [1, 3]]},
            'mask': base64.b64encode(png.getvalue()).decode(),
        },
        {'label': 'row', 'shape_type': 'line', 'points': [[0, 0], [3, 3]]},
    ]
    folder = tmp_path / 'annotated'
    write(folder / 'a.json', labelme(drawn, name='..\\photos\\a.jpg'))
    reading = read_labels(folder, pictures, Options())
    assert reading.classes == ['background', 'dot', 'leaf', 'soil']
    assert label_map(reading) == [
        [2, 2, 3, 3, 1, 3],
        [3, 3, 3, 1, 1, 1],
        [3, 3, 3, 3, 1, 3],
        [2, 0, 0, 0, 0, 0],
    ]
    assert '1 shapes of type line have no area: left out' in reading.lines


def test_labelme__one_file_or_many_and_a_background_of_its_own(tmp_path, pictures):
    ground = {'label': '_background_', 'shape_type': 'rectangle', 'points': [[0, 0], [1, 1]]}
    tree = {'label': 'tree', 'points': [[1, 0], [2, 0], [2, 4], [1, 4]]}
    path = write(tmp_path / 'l' / 'a.json', labelme([ground, tree]))
    write(tmp_path / 'l' / 'b.json', labelme([tree], 'b.png'))
    single, both = (read_labels(p, pictures, Options()) for p in (path, path.parent))
    assert len(single.images) == 1 and len(both.images) == 2
    assert both.classes == ['_background_', 'tree']
    assert label_map(both, 1) == [[0, 1, 0, 0, 0, 0]] * 4


CVAT = """<?xml version="1.0" encoding="utf-8"?>
<annotations><version>1.1</version><meta><task><labels>
<label><name>road</name><color>#804080</color></label>
<label><name>car</name><color>#00008e</color></label>
<label><name>unused</name><color>#ffffff</color></label>
</labels></task></meta>
<image id="0" name="a.jpg" width="6" height="4">
  <polygon label="car" source="manual" occluded="0" points="0.00,0.00;2.00,0.00;2.00,2.00;0.00,2.00"
   z_order="1"><attribute name="doors">4</attribute></polygon>
  <box label="road" source="manual" occluded="0" xtl="0" ytl="0" xbr="6" ybr="3" z_order="0"/>
  <mask label="car" source="manual" occluded="0" rle="1, 2, 1" left="4" top="2" width="2" height="2"
   z_order="0"/>
  <polyline label="car" points="0,0;3,3" z_order="0"/><tag label="road"/>
</image></annotations>
"""


def test_cvat__polygons_boxes_and_masks_by_their_z_order(tmp_path, pictures):
    reading = read_labels(write(tmp_path / 'annotations.xml', CVAT), pictures, Options())
    assert reading.format == 'CVAT for images'
    assert reading.classes == ['background', 'road', 'car', 'unused']
    assert reading.colours['road'] == [128, 64, 128]
    assert label_map(reading) == [
        [2, 2, 1, 1, 1, 1],
        [2, 2, 1, 1, 1, 1],
        [1, 1, 1, 1, 1, 2],
        [0, 0, 0, 0, 2, 0],
    ]
    assert '1 shapes of type polyline have no area: left out' in reading.lines


@pytest.mark.parametrize(
    ('name', 'content', 'message'),
    [
        ('x.json', '{"images": [', 'x.json: not JSON, '),
        (
            'x.json',
            {'annotations': [{}], 'images': []},
            "not as COCO has it: KeyError.'categories'",
        ),
        ('x.json', {'type': 'FeatureCollection'}, 'is none of what is read: COCO'),
        (
            'x.json',
            labelme([{'shape_type': 'polygon', 'points': [[0, 0]] * 3}]),
            "LabelMe.*'label'",
        ),
        ('x.xml', '<annotations><image>', 'x.xml: not XML, '),
        ('x.xml', '<annotation><object/></annotation>', 'boxes as of VOC, no regions'),
        ('x.xml', CVAT.replace('1, 2, 1', '1, 2'), 'runs of 3 pixels do not fill a mask of 2×2'),
        ('x.txt', 'a', 'x.txt is none of what is read'),
    ],
)
def test_read_labels__damaged_files_and_other_formats_are_named(
    tmp_path, pictures, name, content, message
):
    with pytest.raises(UserError, match=message):
        read_labels(write(tmp_path / 'in' / name, content), pictures, Options())


def test_read_labels__of_several_files_one_is_to_be_named(tmp_path, pictures):
    for name in ('train.json', 'val.json'):
        write(tmp_path / 'in' / name, coco([CAR]))
    with pytest.raises(UserError, match=r'several files of annotations in .*: name one of .*train'):
        read_labels(tmp_path / 'in', pictures, Options())
    with pytest.raises(UserError, match='there is no file and no folder'):
        read_labels(tmp_path / 'gone', pictures, Options())
