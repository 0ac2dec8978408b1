"""Settings as mmcv and mmsegmentation name them, translated into those that are read here."""

from typing import Any

from mmcv.utils import Config

from mmseg.utils.errors import UserError

# Optimizer hook of mmcv that computes in float16 -> the one that takes the same steps.
_FP16_HOOKS = {
    'Fp16OptimizerHook': 'OptimizerHook',
    'GradientCumulativeFp16OptimizerHook': 'GradientCumulativeOptimizerHook',
}
_MMCV_LOSS_SCALE = 512.0
# Types as released HRDA and MIC checkpoints have them in the configs beside them.
_OLD_TYPES = {
    'MultiResEncoderDecoder': 'HRDAEncoderDecoder',
    'MultiResAttentionWrapper': 'HRDAHead',
    'UniHead': 'DAFormerHead',
}


def translate(config: Config) -> None:
    """Put published settings into the words that are read here, in place.

    `optimizer_config.type='Fp16OptimizerHook'` is `amp='fp16'` with mmcv's loss scale; `fp16`,
    which mmsegmentation sets beside it, says the same. `train_cfg` and `test_cfg` beside the model,
    as in older configs, belong to it. The first names of HRDA's parts become the present ones.

    Args:
        config: A whole config.

    Raises:
        UserError: Two settings say different things.
    """
    _translate_fp16(config)
    for name in ('train_cfg', 'test_cfg'):
        _put_into_model(config, name)
    if isinstance(config.get('model'), dict):
        _rename_parts(config.model)


def _put_into_model(config: Config, name: str) -> None:
    settings, model = config.pop(name, None), config.get('model')
    if settings is None or not isinstance(model, dict):
        return
    if model.get(name) not in (None, settings):
        raise UserError(f'{name} and model.{name} say different things: leave one of them out')
    model[name] = settings


def _rename_parts(model: Any) -> None:
    """Call the parts of older HRDA networks as they are called now, and drop what is unused."""
    head, backbone = (model.get(name) or {} for name in ('decode_head', 'backbone'))
    if not isinstance(head, dict) or not isinstance(backbone, dict):
        return
    for part, key in ((model, 'type'), (head, 'type'), (head, 'single_scale_head')):
        if part.get(key) in _OLD_TYPES:
            part[key] = _OLD_TYPES[part[key]]
    fusion = (head.get('decoder_params') or {}).get('fusion_cfg') or {}
    fusion.pop('fusion', None)
    backbone.pop('ema_drop_path_rate', None)


def _translate_fp16(config: Config) -> None:
    fp16: dict[str, Any] | None = config.pop('fp16', None)
    hook = config.get('optimizer_config') or {}
    kind = hook.get('type') if isinstance(hook, dict) else None
    if kind not in _FP16_HOOKS:
        if fp16 is not None:
            raise UserError(
                "config key 'fp16' is read beside optimizer_config.type='Fp16OptimizerHook' only; "
                "amp='fp16' trains in float16, amp='bf16' in bfloat16"
            )
        return
    if config.get('amp', 'fp16') != 'fp16':
        raise UserError(
            f"optimizer_config.type={kind!r} means amp='fp16', and amp is {config.amp!r}: leave "
            'one of them out'
        )
    settings = dict(hook)
    loss_scale = {'loss_scale': _MMCV_LOSS_SCALE, **(fp16 or {})}
    config.loss_scale = settings.pop('loss_scale', loss_scale['loss_scale'])
    config.amp = 'fp16'
    config.optimizer_config = {**settings, 'type': _FP16_HOOKS[kind]}
