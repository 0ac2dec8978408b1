"""A network as an ONNX file, held against PyTorch. It needs the extra 'onnx'.

Legend: B images, C classes.
"""

import contextlib
import io
import json
import re
import statistics
import timeit
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

from mmseg.utils.errors import UserError

from .exported_layers import exportable

OPSET = 18
_TRACED = (128, 192)
_OPEN_SIDES = {2: 'height', 3: 'width'}
_NUM_RUNS = 5
_MAX_REASON = 240


class Logits(nn.Module):
    """A segmentor as a plain function of images."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Turn images (B, 3, H, W) into logits (B, C, H, W)."""
        return self.model.encode_decode(image, [])


class Comparison(NamedTuple):
    """What two runtimes make of the same images.

    Attributes:
        size: Width and height of the images.
        difference: The largest difference of the logits.
        same: Share of pixels with the same class.
        speed: A line about speed.
    """

    size: tuple[int, int]
    difference: float
    same: float
    speed: str

    def __str__(self) -> str:
        width, height = self.size
        return (
            f'{width}×{height}: largest difference {self.difference:.1e}, '
            f'same class in {self.same:.2%} of pixels'
        )


def export(
    network: Logits,
    path: Path,
    metadata: Mapping[str, Any],
    num_bands: int = 3,
    window: tuple[int, int] | None = None,
) -> None:
    """Write a network as an ONNX file, with metadata.

    Args:
        network: In eval mode, on the CPU.
        path: The file.
        metadata: Names and values, written as JSON.
        num_bands: Channels of images.
        window: Height and width of the only images that the graph takes; None for open sizes.

    Raises:
        UserError: The exporter cannot express the network; no file is written.
    """
    if window is None and getattr(network.model, 'has_two_scales', False):
        raise UserError(
            f'{_named(network)} cuts images into windows as it computes, whose number a graph for '
            'any size cannot hold: export it with --window, a graph for the windows of its tests'
        )
    # PyTorch's exporter uses names that PyTorch itself has retired
    warnings.filterwarnings('ignore', category=FutureWarning)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            program = torch.onnx.export(
                exportable(network),
                (torch.zeros(2, num_bands, *(window or _TRACED)),),
                dynamo=True,
                opset_version=OPSET,
                input_names=['image'],
                output_names=['logits'],
                dynamic_shapes={'image': {0: 'batch', **({} if window else _OPEN_SIDES)}},
                verbose=False,
            )
        assert program is not None
        model = program.model_proto
    except Exception as error:  # the exporter's own, those of tracing, those of translating
        hint = '' if window else '; --window exports a graph for the windows of its tests alone'
        raise UserError(
            f'{_named(network)} cannot be exported, because {_reason(error)}{hint}'
        ) from error
    onnx.helper.set_model_props(model, {key: json.dumps(value) for key, value in metadata.items()})
    onnx.save(model, path)


def compare(network: Logits, path: Path, image: torch.Tensor) -> Comparison:
    """Run both on images (B, bands, H, W), on the CPU.

    Raises:
        UserError: onnxruntime cannot run the file.
    """
    feed = {'image': image.numpy()}
    try:
        session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
        (theirs,) = session.run(None, feed)
    except Exception as error:  # onnxruntime has an error of its own for each of its codes
        raise UserError(
            f'{_named(network)} cannot be exported, because onnxruntime cannot run it at '
            f'{image.shape[3]}×{image.shape[2]}: {_reason(error)}'
        ) from error
    with torch.inference_mode():
        ours = network(image).numpy()
        calls = {'onnxruntime': lambda: session.run(None, feed), 'PyTorch': lambda: network(image)}
        seconds = {
            name: statistics.median(timeit.repeat(call, number=1, repeat=_NUM_RUNS))
            for name, call in calls.items()
        }
    speed = ', '.join(f'{name} {1000 * taken:.0f} ms' for name, taken in seconds.items())
    if theirs.shape != ours.shape:
        raise UserError(f'onnxruntime gives logits {theirs.shape}, PyTorch {ours.shape}')
    same = float(np.mean(theirs.argmax(1) == ours.argmax(1)))
    difference = float(np.abs(theirs - ours).max())
    return Comparison((image.shape[3], image.shape[2]), difference, same, speed)


def _named(network: Logits) -> str:
    model = network.model
    return f'{type(model.decode_head).__name__} on {type(model.backbone).__name__}'


def _reason(error: Exception) -> str:
    """Find the line that tells, among hundreds about where it came from."""
    text = re.sub(r'\x1b\[[0-9;]*m', '', str(error))
    told = re.findall(r"^<class '[\w.]*?(\w+)'>: (.+)$", text, re.MULTILINE)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    reason = ': '.join(told[-1]) if told else (lines or [''])[0]
    return f'{type(error).__name__}: {reason}'[:_MAX_REASON]
