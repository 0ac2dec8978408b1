"""Tell what a run's instance level has to say: how far similarities are from uniform, in bits.

python tools/measure_similarity.py WORK_DIR [--num-images 20]

Of the target's pixels, the teacher's embeddings are compared with the bank of the run's latest
checkpoint, in each form and at each temperature: how many bits a distribution over the N entries
holds more than the uniform one, by itself (q) and calibrated by the class prediction (q̂), which the
instance loss asks the student for; how many of the latter's bits say which entry of a class it is,
beyond the class; and how often the entries' class is the predicted one.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmseg.apis import init_segmentor, load_config
from mmseg.apis.run_datasets import build_run_dataset
from mmseg.core.checkpoint import LATEST
from mmseg.core.checkpoint_reading import read_checkpoint
from mmseg.models.uda.instance_segmentor import entries_of_state
from mmseg.models.uda.interaction import (
    calibrate,
    gather_to_instances,
    instance_similarity,
    scatter_to_classes,
)
from mmseg.ops import Similarity
from mmseg.utils.cli import run_cli
from mmseg.utils.errors import UserError

FORMS = (
    Similarity('sum'),
    *(Similarity('softmax', temperature) for temperature in (1.0, 0.5, 0.2, 0.1, 0.05)),
)


def bits_above_uniform(distribution: torch.Tensor) -> torch.Tensor:
    """Return log2 N − H of distributions (B, N, H, W) over N entries, averaged over the pixels."""
    entropy = -(distribution * distribution.clamp(min=1e-12).log2()).sum(1)
    uniform = torch.log2(torch.tensor(float(distribution.shape[1])))
    return (uniform - entropy).mean()


def bits_within_classes(distribution: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return how many of those bits say which entry of its class a pixel is like.

    Args:
        distribution: Over the entries (B, N, H, W).
        labels: Classes of the entries (N,).

    Returns:
        The bits above what the classes' shares say, entries of a class alike.
    """
    shares = scatter_to_classes(distribution, labels, int(labels.max()) + 1)
    counts = labels.bincount(minlength=shares.shape[1]).clamp(min=1)
    alike = gather_to_instances(shares / counts[:, None, None], labels)
    return bits_above_uniform(distribution) - bits_above_uniform(alike)


def measure(
    embedding: torch.Tensor,
    probs: torch.Tensor,
    features: torch.Tensor,
    labels: torch.Tensor,
    similarity: Similarity,
) -> list[float]:
    """Measure one form on embeddings (B, D, h, w) and class probabilities (B, C, h, w).

    Returns:
        Bits of q, of q̂ and of q̂ within the classes, and the share of pixels whose most similar
        class is the predicted one.
    """
    q = instance_similarity(embedding, features, similarity)
    target = calibrate(q, gather_to_instances(probs, labels))
    counts = labels.bincount(minlength=probs.shape[1]).clamp(min=1)
    per_entry = scatter_to_classes(q, labels, probs.shape[1]) / counts[:, None, None]
    agrees = (per_entry.argmax(1) == probs.argmax(1)).float().mean()
    parts = (
        bits_above_uniform(q),
        bits_above_uniform(target),
        bits_within_classes(target, labels),
        agrees,
    )
    return [float(part) for part in parts]


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('work_dir', type=Path, help='of a run with an instance level')
    parser.add_argument('--num-images', type=int, default=20, help='of the target [20]')
    return parser.parse_args(arguments)


@torch.no_grad()
def main() -> None:
    """Print a line for each form."""
    args = parse_args()
    path = args.work_dir / LATEST
    cfg = load_config(args.work_dir / 'config.json')
    state = read_checkpoint(path)['state_dict']
    bank = entries_of_state(state)
    if bank is None:
        raise UserError(f'{path} holds no instance bank: give a run with uda.instance')
    features, labels = bank
    model = init_segmentor(cfg, path, 'cpu', 'ema_model')
    target = build_run_dataset(cfg, cfg.data.train).target
    rows: dict[Similarity, list[list[float]]] = {form: [] for form in FORMS}
    for position in range(args.num_images):
        sample = target.draw(position, 0)
        seen = model.forward_embedding(sample['img'].data[None])
        size = seen.embedding.shape[2:]
        probs = torch.nn.functional.interpolate(seen.logits.softmax(1), size, mode='area')
        for form, found in rows.items():
            if form.form == 'softmax' or not (features < 0).any():
                found.append(measure(seen.embedding, probs, features, labels, form))
    print(f'{len(labels)} entries: at most {torch.log2(torch.tensor(float(len(labels)))):.2f} bits')
    print(f'{"form":12} {"T":>5} {"q":>8} {"q̂":>8} {"within":>8} {"agrees":>8}')
    for form, found in rows.items():
        if found:
            means = torch.tensor(found).mean(0).tolist()
            figures = ' '.join(f'{value:8.3f}' for value in means)
            print(f'{form.form:12} {form.temperature:5} {figures}')


if __name__ == '__main__':
    run_cli(main)
