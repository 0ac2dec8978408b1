import pytest
import torch

from mmseg.models.uda.interaction import smooth_probs
from mmseg.ops import Similarity, lean_smooth_probs


@pytest.mark.parametrize('similarity', [Similarity('sum'), Similarity('softmax', 0.5)])
@pytest.mark.parametrize('size', [(5, 7), (20, 28), (11, 30)])
def test_smooth_probs__the_lean_form_equals_the_plain_one(similarity, size):
    generator = torch.Generator().manual_seed(0)
    embedding = torch.rand(3, 6, 5, 7, generator=generator)
    bank = torch.rand(11, 6, generator=generator)
    labels = torch.randint(0, 4, (11,), generator=generator)
    probs = torch.randn(3, 4, *size, generator=generator).softmax(1)
    exact = [t.double() for t in (probs, embedding, bank)]
    expected = smooth_probs(*exact, labels, 0.3, similarity)
    result = lean_smooth_probs(probs, embedding, bank, labels, 0.3, similarity)
    torch.testing.assert_close(result.double(), expected, rtol=1e-5, atol=1e-6)
