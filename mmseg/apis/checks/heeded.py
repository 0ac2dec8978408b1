"""Settings that a config may carry, and that this run has no use for."""

from typing import Any

from mmseg.core.adaptation import bank_of
from mmseg.core.settings import CheckpointSettings, TrainingSettings
from mmseg.utils.command import in_several_processes
from mmseg.utils.distributed import world_size

from ..optimizer import unmatched_keys
from .run import Finding, Findings, RunUnderCheck

# Published configs name it for every network, and MiT has no such parameter.
_PUBLISHED_KEYS = ('pos_block',)


def settings_are_heeded(run: RunUnderCheck) -> Findings:
    """Look for settings that are taken and make no difference."""
    cfg = run.cfg
    if not cfg.get('use_ddp_wrapper', True):
        yield _unheeded('use_ddp_wrapper=False', 'several processes always share a training alike')
    gpu_ids = cfg.get('gpu_ids')
    num_gpus = {'n_gpus': cfg.get('n_gpus'), 'gpu_ids': gpu_ids and len(gpu_ids)}
    for key, number in num_gpus.items():
        if isinstance(number, int) and number > world_size():
            yield _unheeded(
                f'{key}={cfg[key]}',
                f'{world_size()} process(es) train; '
                f'{" ".join(in_several_processes("CONFIG", number))} starts more',
            )
    start = CheckpointSettings.of(cfg)
    if start.resume_from and start.load_from:
        yield _unheeded(
            f'load_from={start.load_from!r}',
            f'the run goes on with the weights of {start.resume_from}',
        )
    instance: Any = (TrainingSettings.of(cfg).uda or {}).get('instance') or {}
    bank = bank_of(run.model)
    num_entries = instance.get('num_entries')
    is_from_file = bool(instance.get('bank_file'))
    if bank is not None and is_from_file and num_entries not in (None, len(bank.labels)):
        yield _unheeded(
            f'uda.instance.num_entries={num_entries}',
            f'the bank in {instance.bank_file} has {len(bank.labels)}',
        )
    for key in unmatched_keys(run.model, cfg.optimizer):
        if key not in _PUBLISHED_KEYS:
            yield _unheeded(
                f'optimizer.paramwise_cfg.custom_keys.{key}', 'no parameter has it in its name'
            )


def _unheeded(setting: str, why: str) -> Finding:
    return Finding('warning', f'{setting} makes no difference: {why}')
