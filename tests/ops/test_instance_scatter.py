import pytest
import torch
import torch.nn.functional as F

from mmseg.ops import normalize_scores, scatter_similarity


@pytest.mark.parametrize('form', ['sum', 'softmax'])
@pytest.mark.parametrize('size', [(5, 7), (20, 28), (11, 30)])
def test_scatter_similarity__equals_adding_up_full_size_similarities(form, size):
    generator = torch.Generator().manual_seed(0)
    scores = torch.rand(3, 11, 5, 7, generator=generator)
    labels = torch.randint(0, 4, (11,), generator=generator)
    large = F.interpolate(scores, size, mode='bilinear', align_corners=False)
    similarity = normalize_scores(large, form)
    expected = torch.stack([similarity[:, labels == c].sum(1) for c in range(4)], dim=1)
    # With the unit vectors as entries the embedding is the scores.
    result = scatter_similarity(scores, torch.eye(11), labels, 4, size, form)
    torch.testing.assert_close(result, expected)
