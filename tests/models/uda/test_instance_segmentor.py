"""The instance level as a segmentor."""

import pytest
import torch

from mmseg.models import build_segmentor
from mmseg.models.uda.instance_segmentor import InstanceSegmentor, entries_of_state
from mmseg.models.uda.interaction import instance_similarity, scatter_to_classes
from mmseg.ops import Similarity
from mmseg.utils.errors import UserError
from tests.models.networks import TWO_SCALES, small_architecture, small_config

LABELS = torch.tensor([0, 0, 1, 2, 3, 4, 4])


def network(config):
    torch.manual_seed(0)
    model = build_segmentor(config).eval()
    model.init_weights()
    return model


@pytest.mark.parametrize('config', [small_config(), small_architecture(TWO_SCALES[0])])
@pytest.mark.parametrize('similarity', [Similarity('sum'), Similarity('softmax', 0.05)])
@torch.no_grad()
def test_instance_segmentor__its_probabilities_are_the_scattered_similarities(config, similarity):
    model, features = network(config), torch.rand(7, 8)
    segmentor = InstanceSegmentor(model, features, LABELS, similarity).eval()
    image = torch.randn(2, 3, 64, 96)
    embedding = model.forward_embedding(image).embedding
    scattered = scatter_to_classes(
        instance_similarity(embedding, features, similarity), LABELS, model.num_classes
    )
    logits = segmentor.encode_decode(image, [])
    assert logits.shape == (2, 5, 64, 96)
    cells = torch.nn.functional.interpolate(logits, scattered.shape[2:], mode='area')
    blurred = cells.softmax(1)
    # Cells and pixels lie beside one another; the ranking is the same nearly everywhere.
    assert (blurred.argmax(1) == scattered.argmax(1)).float().mean() > 0.8


@torch.no_grad()
def test_instance_segmentor__views_and_windows_work_as_for_any_segmentor():
    model = network(small_config())
    model.test_cfg = {'mode': 'slide', 'crop_size': [32, 32], 'stride': [24, 24]}
    segmentor = InstanceSegmentor(model, torch.rand(7, 8), LABELS).eval()
    metas = [{'ori_shape': (80, 100, 3)}]
    probs = segmentor.inference(torch.randn(1, 3, 40, 50), metas, True)
    assert probs.shape == (1, 5, 80, 100)
    torch.testing.assert_close(probs.sum(1), torch.ones(1, 80, 100))


def test_instance_segmentor__a_bank_of_other_channels_is_refused():
    with pytest.raises(
        UserError, match='entries of 9 channels, the embedding of DAFormerHead has 8'
    ):
        InstanceSegmentor(network(small_config()), torch.rand(7, 9), LABELS)


def test_entries_of_state__takes_what_is_filled():
    features, labels = torch.rand(3, 4), torch.tensor([2, -1, 0])
    state = {'instance.bank.features': features, 'instance.bank.labels': labels}
    found = entries_of_state(state)
    assert found is not None
    torch.testing.assert_close(found[0], features[[0, 2]])
    assert found[1].tolist() == [2, 0]
    assert entries_of_state({**state, 'instance.bank.labels': torch.full((3,), -1)}) is None
    assert entries_of_state({'decode_head.conv_seg.weight': features}) is None
