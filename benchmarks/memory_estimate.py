"""The peak memory of training and testing, part by part, before anything is trained."""

from collections.abc import Mapping
from typing import Any

from mmcv.utils import Config

from mmseg.core.settings import DataSettings
from mmseg.utils.errors import UserError

from .fake_training import TrialTraining
from .live_memory import LiveMemory

# What a process on a GPU takes beside tensors: CUDA's context, kernels, cuBLAS and cuDNN. Assumed.
CONTEXT_BYTES = 1 << 30
# Of what tensors take, for gaps between them and what operations take inside. Assumed.
GAPS = 0.1


def estimate(
    cfg: Config,
    device: str = 'cuda',
    picture: tuple[int, int] = (1024, 2048),
    crop: tuple[int, int] | None = None,
) -> dict[str, dict[str, int]]:
    """Predict the bytes that tensors hold at the peaks of a training step and of a test.

    The step is not the first one: the optimizer has what it keeps.

    Args:
        cfg: A whole config, which is changed.
        device: 'cuda' or 'cpu', whose layers and batches are meant.
        picture: Height and width of test images.
        crop: Height and width of training images; those of the config where None.

    Returns:
        'training' and, where the config says how it tests, 'testing': part → bytes.

    Raises:
        UserError: See `TrialTraining`.
    """
    training, memory = TrialTraining(cfg, device, crop=crop), LiveMemory()
    peaks = {}
    with memory:
        training.prime()
        training.name_parts(memory)
        training.name_gradients(memory)
        memory.restart()
        training.step()
        peaks['training'] = _there(memory)
    size = size_in_tests(cfg, picture)
    if size is not None:
        batch = DataSettings.of(cfg).test_samples_per_gpu or (1 if device == 'cpu' else 4)
        memory = LiveMemory()
        with memory:
            training.name_network(memory)
            training.test(batch, size, picture)
            peaks['testing'] = _there(memory)
    return peaks


def needed_on_gpu(parts: Mapping[str, int]) -> float:
    """Return the bytes that a GPU should have free for what tensors hold."""
    return CONTEXT_BYTES + (1 + GAPS) * sum(parts.values())


def size_in_tests(cfg: Config, picture: tuple[int, int]) -> tuple[int, int] | None:
    """Return the height and width at which a network sees test pictures, their ratio kept."""
    test = cfg.data.get('test')
    test = test[0] if isinstance(test, list | tuple) else test
    scales = [step['img_scale'] for step in (test or {}).get('pipeline', ()) if 'img_scale' in step]
    if not scales:
        return None
    scale: Any = scales[0][0] if isinstance(scales[0], list) else scales[0]
    if not isinstance(scale, tuple | list) or len(scale) != 2:
        raise UserError(f'data.test: expected an img_scale of two numbers, got {scale!r}')
    ratio = min(max(scale) / max(picture), min(scale) / min(picture))
    return int(picture[0] * ratio + 0.5), int(picture[1] * ratio + 0.5)


def _there(memory: LiveMemory) -> dict[str, int]:
    return {part: size for part, size in memory.parts_at_peak.items() if size}
