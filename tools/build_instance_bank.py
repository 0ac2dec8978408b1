"""Fill an instance bank from a labelled source set and a trained network.

python tools/build_instance_bank.py CONFIG CHECKPOINT [--num-entries 300] [--out FOLDER]
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from tqdm import tqdm

from mmseg.apis import init_segmentor, load_config
from mmseg.apis.loader import DeviceLoader
from mmseg.apis.plugins import add_plugins_option
from mmseg.apis.run_datasets import build_run_dataset
from mmseg.apis.train import class_pixels
from mmseg.core.checkpoint import Branch
from mmseg.datasets import build_dataloader
from mmseg.models.uda.class_vectors import KINDS, class_vectors
from mmseg.models.uda.instance_bank import InstanceBank
from mmseg.utils.atomic import atomic_path
from mmseg.utils.cli import run_cli
from mmseg.utils.environment import choose_device
from mmseg.utils.errors import UserError


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('config', help="the run's config; its training source is read")
    parser.add_argument('checkpoint', help='network that embeds the images')
    parser.add_argument('--num-entries', type=int, default=300, help='bank entries [300]')
    parser.add_argument('--out', help='folder of the bank [embedding_cache/SOURCE_ENTRIES]')
    parser.add_argument('--vectors', choices=KINDS, default='mean', help='class vectors [mean]')
    parser.add_argument('--ema', '--teacher', action='store_true', help='embed with the teacher')
    parser.add_argument('--seed', type=int, default=0, help='seed of the crops [0]')
    parser.add_argument('--max-images', type=int, default=20000, help='give up after [20000]')
    parser.add_argument(
        '--trust-checkpoint', action='store_true', help='load one that may run code'
    )
    parser.add_argument('--gpu', type=int, help='index of a GPU [the first, else the CPU]')
    add_plugins_option(parser)
    return parser.parse_args()


def fill(
    bank: InstanceBank,
    model: Any,
    batches: Iterator[dict[str, Any]],
    kind: str,
    of_detail: bool = False,
) -> int:
    """Fill the bank from labelled images, one entry per class and image.

    Args:
        bank: The bank, told what the source set holds.
        model: An `EncoderDecoder` in eval mode.
        batches: Images with labels, one at a time.
        kind: Kind of class vectors.
        of_detail: Whether a network of two scales gives embeddings of the detail.

    Returns:
        How many images were read.
    """
    num_images = 0
    with tqdm(total=len(bank.labels), unit='entry', ncols=100) as progress, torch.no_grad():
        for batch in batches:
            if of_detail:
                detail = model.forward_embedding(batch['img'], keeps_detail=True).detail
                embedding = detail.embedding
            else:
                embedding = model.forward_embedding(batch['img']).embedding
            vectors, present = class_vectors(
                embedding, batch['gt_semantic_seg'], bank.num_classes, kind
            )
            progress.update(bank.fill_(vectors[None], present[None]))
            num_images += 1
            if bank.is_full:
                break
    return num_images


def unfilled_classes(bank: InstanceBank, names: Sequence[str]) -> list[str]:
    """Name the classes whose quota is not met."""
    pairs = zip(names, bank.class_counts().tolist(), bank.quotas, strict=True)
    return [f'{name} {count}/{quota}' for name, count, quota in pairs if count < quota]


def main() -> None:
    """Fill a bank and save it."""
    args = parse_args()
    if Path(args.checkpoint).suffix == '.onnx':
        raise UserError(
            f'{args.checkpoint}: an ONNX file gives no embeddings; give the checkpoint that it was '
            'exported from'
        )
    device = choose_device(args.gpu)
    cfg = load_config(args.config, plugins=args.plugins)
    dataset = build_run_dataset(cfg, cfg.data.train)
    source = getattr(dataset, 'source', dataset)
    branch: Branch = 'ema_model' if args.ema else 'model'
    model = init_segmentor(cfg, args.checkpoint, device, branch, args.trust_checkpoint)
    bank = InstanceBank(args.num_entries, model.embed_channels, model.num_classes).to(device)
    bank.set_class_pixels(class_pixels(source, model.num_classes))

    workers = cfg.data.workers_per_gpu
    loader = build_dataloader(source, 1, workers, seed=args.seed, max_iters=args.max_images)
    scale = ((cfg.get('uda') or {}).get('instance') or {}).get('scale')
    batches = iter(DeviceLoader(loader, device))
    num_images = fill(bank, model, batches, args.vectors, of_detail=scale == 'detail')
    if not bank.is_full:
        missing = ', '.join(unfilled_classes(bank, dataset.CLASSES))
        raise UserError(
            f'{args.max_images} images did not fill the bank ({missing}): raise --max-images or '
            'switch rare_class_sampling on in the config'
        )
    data_root = Path(getattr(source, 'source', source).data_root or 'source').name
    folder = Path(args.out or f'embedding_cache/{data_root}_{args.num_entries}')
    bank.save(folder)
    meta = {
        'num_entries': args.num_entries,
        'dim': bank.features.shape[1],
        'classes': list(dataset.CLASSES),
        'entries_per_class': bank.class_counts().tolist(),
        'vectors': args.vectors,
        'seed': args.seed,
        'num_images': num_images,
        'checkpoint': args.checkpoint,
        'command': ' '.join(['python', *sys.argv]),
    }
    with atomic_path(folder / 'meta.json') as path:
        path.write_text(json.dumps(meta, indent=2) + '\n')
    print(f'{args.num_entries} entries from {num_images} images in {folder}')


if __name__ == '__main__':
    run_cli(main)
