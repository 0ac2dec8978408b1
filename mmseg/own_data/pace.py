"""How fast this machine is on a person's data, and how long a training some minutes allow."""

import math
import shutil
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch

from mmseg.apis import Segmenter, init_segmentor, load_config
from mmseg.core.checkpoint import LATEST
from mmseg.core.json_logs import find_logs, read_records
from mmseg.experiments.runs import train
from mmseg.selection.observation import observe, scores_of
from mmseg.selection.targets import MIN_IMAGES, target_images
from mmseg.utils.errors import UserError

from .pictures import Picture
from .plan import NUM_CHECKPOINTS, Layout
from .predictions import write_predictions

# Steps of a training that are timed, after those in which everything is done for the first time.
_NUM_STEPS, _NUM_FIRST = 6, 3
_NUM_PICTURES = 2
# Students and teachers of the adaptation, and source-only networks, at each checkpoint.
_NUM_NETWORKS = 3 * NUM_CHECKPOINTS
_MOST_SHOWN, _LEAST_SHOWN = 40, 8
_SHARE_OF_CHOOSING = 1 / 6
_LEAST_ITERATIONS = 20
# ONNX file and report, seconds.
_FILES = 45.0
# Others use the machine too, and checkpoints have to be saved.
_SLACK = 0.95


@dataclass(frozen=True)
class Pace:
    """What takes how long, in seconds.

    Attributes:
        adaptation: A step of the adaptation.
        source_only: A step of training on the source alone.
        start: From the start of a training to its first step.
        score: Showing a network an image to score it.
        predict: Predicting a picture, and writing what was predicted.
    """

    adaptation: float
    source_only: float
    start: float
    score: float
    predict: float


class Schedule(NamedTuple):
    """What some minutes are spent on.

    Attributes:
        iterations: Of each of the two trainings.
        num_shown: How many target images networks are scored by.
        training: Seconds of training.
        others: Seconds of all else that is to come.
    """

    iterations: int
    num_shown: int
    training: float
    others: float


def schedule(
    minutes: float, pace: Pace, num_target: int, num_labelled: int, spent: float = 0.0
) -> Schedule:
    """Divide some minutes among two trainings of one length and what comes after.

    Args:
        minutes: How many.
        pace: What takes how long.
        num_target: Number of target images.
        num_labelled: How many of them have labels.
        spent: Seconds that have passed.

    Raises:
        UserError: That leaves too little for training.
    """
    seconds = 60 * minutes
    fitting = _SHARE_OF_CHOOSING * seconds / (_NUM_NETWORKS * max(pace.score, 1e-6))
    num_shown = min(_MOST_SHOWN, max(_LEAST_SHOWN, int(fitting)), num_target)
    # Each image is shown to all networks, then to one for its temperature. Labels are tested on by
    # three networks in training and two in the end.
    others = (
        2 * pace.start
        + (_NUM_NETWORKS + 1) * num_shown * pace.score
        + (num_target + 5 * num_labelled) * pace.predict
        + _FILES
    )
    step = (pace.adaptation + pace.source_only) / _SLACK
    iterations = math.floor((seconds - spent - others) / step)
    if iterations < _LEAST_ITERATIONS:
        needed = math.ceil((spent + others + _LEAST_ITERATIONS * step) / 60)
        raise UserError(
            f'--minutes {minutes:g}: {spent + others:.0f} s go to looking, choosing and '
            f'{num_target} predictions, and a step of both trainings takes {step:.2f} s: give '
            f'--minutes {needed} at least, or --iterations'
        )
    return Schedule(iterations, num_shown, iterations * step, others)


def measure_pace(layout: Layout, pictures: Sequence[Picture], device: torch.device) -> Pace:
    """Train a few steps of both configs, and let a network look at a few pictures.

    Args:
        layout: Where the configs are; the trainings leave nothing there.
        pictures: Of the target.
        device: Where networks run.
    """
    folder = layout.root / 'measured'
    shutil.rmtree(folder, ignore_errors=True)
    source_only, _ = _time_steps(layout.config('source_only'), folder / 'source_only')
    cfg = load_config(layout.config('adapt'))
    # A bank is full at once that holds one entry a class: its loss takes part in what is timed.
    has_bank = cfg.uda.get('instance') is not None
    entries = [f'uda.instance.num_entries={cfg.model.decode_head.num_classes}'] * has_bank
    adaptation, start = _time_steps(layout.config('adapt'), folder / 'adapt', entries)
    model = init_segmentor(cfg, folder / 'adapt' / LATEST, device)
    score = _time_score(model, cfg, device) if len(pictures) >= MIN_IMAGES else 0.0
    some = pictures[:_NUM_PICTURES]
    began = time.monotonic()
    write_predictions(Segmenter(model), some, folder)
    predict = (time.monotonic() - began) / len(some)
    shutil.rmtree(folder)
    return Pace(adaptation, source_only, start, score, predict)


def _time_steps(config: Path, work_dir: Path, options: Sequence[str] = ()) -> tuple[float, float]:
    """Train a few steps in a process of their own; return seconds of a step and of the start."""
    options = [
        *options,
        f'runner.max_iters={_NUM_FIRST + _NUM_STEPS}',
        'lr_config.warmup_iters=1',
        'log_config.interval=1',
        'checkpoint_config.interval=-1',
        'log_level=ERROR',
    ]
    began = time.monotonic()
    train(config, work_dir, None, options, check=False, validate=False)
    taken = time.monotonic() - began
    records = read_records(find_logs(work_dir))
    times = [record['time'] for record in records if record.get('mode') == 'train']
    return statistics.median(times[_NUM_FIRST:]), max(0.0, taken - sum(times))


def _time_score(model: object, cfg: object, device: torch.device) -> float:
    images = [image.to(device) for image in target_images(cfg, MIN_IMAGES)]
    began = time.monotonic()
    scores_of(observe(model, images))
    return (time.monotonic() - began) / len(images)
