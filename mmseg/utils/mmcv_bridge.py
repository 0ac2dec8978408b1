"""Everything that mmcv 1.7.2 needs to live beside current PyTorch, and why.

mmcv is used for Config, Registry, ConvModule, the runner and its hooks, collate and image IO.
Two parts of it are never imported for use: `mmcv.ops` (compiled code, which this project does not
need) and the device wrappers of `mmcv.parallel` (`MMDataParallel`, `MMDistributedDataParallel`:
they call private functions that PyTorch 2.1 took away). Batches are moved by
`mmseg.apis.DeviceLoader` instead, which unwraps `DataContainer`.

Classes of mmcv that are replaced under their own names, so that published configs get ours:
`IterBasedRunner` (`mmseg.core.runner`: saving is atomic and counts finished iterations, nothing
sleeps), `TextLoggerHook` (lines of at most 120 columns), `CheckpointHook` and `EvalHook`
(`mmseg.core.hooks`: the best checkpoint and `latest.pth` are always whole files).
`mmcv.runner.load_checkpoint` is replaced by `mmseg.core.checkpoint` because it unpickles whatever
a file holds, and fails on the NumPy scalars of older checkpoints since PyTorch 2.6.

This module must stay light: it is imported with the package, before mmcv and torch.
"""

import logging
import warnings


def install() -> None:
    """Quieten what mmcv says when it is imported; nothing else is changed."""
    # mmcv announces its own renaming of 2023 whenever it is imported.
    warnings.filterwarnings('ignore', message='On January 1, 2023, MMCV', category=UserWarning)
    # mmcv imports torch's extension builder, which warns where CUDA_HOME is set without a GPU;
    # nothing is compiled here.
    logging.getLogger('torch.utils.cpp_extension').addFilter(_is_not_about_cuda_home)


def _is_not_about_cuda_home(record: logging.LogRecord) -> bool:
    return 'CUDA_HOME' not in str(record.msg)
