import numpy as np
import pytest
import torch

from mmseg.apis import init_segmentor, load_config
from mmseg.apis.evaluation_examples import NUM_EXAMPLES, Inspector
from mmseg.core.examples import read_examples
from mmseg.datasets import build_dataset
from mmseg.models.uda import InstanceBank
from tests.apis.tiny import CLASSES, write_config


class Oracle(torch.nn.Linear):
    """A network that knows the labels of the validation set, and is sure of its left half."""

    def __init__(self, dataset):
        super().__init__(1, 1)
        self.labels = {
            info['filename']: label
            for info, label in zip(dataset.img_infos, dataset.get_gt_seg_maps(), strict=True)
        }

    def decide(self, imgs, metas, with_confidence, slide):
        assert with_confidence and slide is None and len(imgs) == len(metas) == 1
        labels = torch.from_numpy(self.labels[metas[0][0]['ori_filename']].astype(np.int64))
        height, width = labels.shape
        wrong = labels.clamp(max=4)
        wrong[:, : width // 4] = (wrong[:, : width // 4] + 1) % 5
        confidence = torch.where(torch.arange(width) < width // 2, 0.8, 0.6)
        return wrong[None], confidence.expand(1, height, width)


@pytest.fixture
def config(tmp_path):
    config = load_config(write_config(tmp_path, uda=True))
    config.work_dir = str(tmp_path / 'run')
    config.uda.pseudo_threshold = 0.7
    return config


def inspector_of(config):
    dataset = build_dataset(config.data.val, {'test_mode': True})
    return Inspector(dataset, config), Oracle(dataset)


def test_inspector__a_teacher_is_measured_where_it_is_sure(config):
    inspect, oracle = inspector_of(config)
    scores = inspect(oracle, 'teacher')
    # two by two pixels of the left corner are not labelled; a quarter of a picture is wrong
    labelled, sure, right = 40 * 56 - 4, 40 * 28 - 4, 40 * 14
    assert scores['confident_share'] == pytest.approx(sure / labelled)
    assert scores['confident_acc'] == pytest.approx(right / sure)


def test_inspector__any_network_tells_how_often_its_confidence_is_right(config):
    inspect, oracle = inspector_of(config)
    found = inspect(oracle, 'student')
    assert list(found) == ['calibration']
    bins = found['calibration']
    # 0.8 on the left half, of which half is wrong, and 0.6 on the right one, which is right
    corner, pixels = 4, 40 * 56 - 4
    sure = {
        round(c, 2): a
        for c, a, s in zip(*(bins[k] for k in ('confidence', 'accuracy', 'share')), strict=True)
        if s
    }
    assert sure == {0.8: pytest.approx(560 / (1120 - corner), abs=1e-4), 0.6: 1.0}
    expected = (1120 - corner) / pixels * abs(0.8 - sure[0.8]) + 1120 / pixels * 0.4
    assert bins['ece'] == pytest.approx(expected, abs=1e-4)
    assert bins['coverage'][-1] == 1 and bins['risk'][-1] == pytest.approx(556 / pixels, abs=1e-4)


def test_inspector__a_student_that_is_compared_trains_on(config):
    inspect, _ = inspector_of(config)
    student, teacher = (init_segmentor(config, device='cpu').train() for _ in range(2))
    student.backbone.eval()
    modes = [module.training for module in student.modules()]
    inspect(student.eval(), 'student')
    for module, mode in zip(student.modules(), modes, strict=True):
        module.training = mode
    inspect(teacher.eval(), 'teacher')
    assert [module.training for module in student.modules()] == modes and any(modes)


def test_inspector__maps_say_where_not_to_trust_student_and_teacher(config):
    inspect, _ = inspector_of(config)
    for name in ('student', 'teacher'):
        network = init_segmentor(config, device='cpu')
        network.init_weights()
        inspect(network, name)
    (first, *_) = read_examples(inspect.writer.folder.parent).items
    told = ['entropy of student', 'entropy of teacher', 'student against teacher']
    assert list(first.uncertainty) == told
    assert first.uncertainty['entropy of teacher'].shape == first.labels.shape


def test_inspector__classes_are_held_against_instances_once_the_bank_has_entries(config):
    network = init_segmentor(config, device='cpu')
    network.init_weights()
    bank = InstanceBank(10, network.embed_channels, len(CLASSES))
    inspect = Inspector(inspector_of(config)[0].dataset, config, bank)
    told = []
    for is_filled in (False, True):
        if is_filled:
            bank.features.normal_()
            bank.labels.copy_(torch.arange(10) % len(CLASSES))
        inspect(network, 'student')
        (first, *_) = read_examples(inspect.writer.folder.parent).items
        told.append(set(first.uncertainty))
    assert told == [
        {'entropy of student'},
        {'entropy of student', 'class against instances, student'},
    ]


def test_inspector__a_student_gives_examples(config):
    inspect, oracle = inspector_of(config)
    inspect(oracle, 'student')
    examples = read_examples(inspect.writer.folder.parent)
    assert examples.classes == CLASSES and len(examples.items) == min(3, NUM_EXAMPLES)
    labels = inspect.dataset.get_gt_seg_map(0)
    np.testing.assert_array_equal(examples.items[0].labels, labels)
    assert list(examples.items[0].predictions) == ['student']


def test_inspector__a_teacher_that_is_never_sure_has_no_accuracy(config):
    config.uda.pseudo_threshold = 0.99
    inspect, oracle = inspector_of(config)
    scores = inspect(oracle, 'teacher')
    assert scores['confident_share'] == 0 and np.isnan(scores['confident_acc'])


def test_inspector__it_looks_at_images_all_over_a_large_set(config):
    inspect, _ = inspector_of(config)
    dataset = inspect.dataset
    dataset.img_infos = dataset.img_infos * 40
    spread = Inspector(dataset, config)
    assert (spread.indices[0], spread.indices[-1], len(spread.indices)) == (0, 119, 16)
    assert len(spread.examples) == NUM_EXAMPLES and set(spread.examples) <= set(spread.indices)
