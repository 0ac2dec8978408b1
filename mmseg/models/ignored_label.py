"""The label of ignored pixels, which is 255 in all that a network sees.

Label files may hold another one, the data set's `ignore_index`; reading them turns it into 255.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mmseg.core.evaluation.class_names import IGNORE_INDEX
from mmseg.utils.errors import UserError

_HEADS = ('decode_head', 'auxiliary_head')


def settle_ignore_index(model: Mapping[str, Any], train: Any) -> dict[str, Any]:
    """Return a network's config with 255 as the ignored label of its heads.

    Args:
        model: The config; a head's `ignore_index`, or that of its loss, may be 255 or what the
            labelled training files hold.
        train: Config of the training set, of one domain or a source and a target; wrappers may
            stand around both. None leaves the network's config as it is.

    Raises:
        UserError: A head ignores another label than the data.
    """
    if train is None:
        return dict(model)
    in_files = sorted(set(_labels_ignored_in(train))) or [IGNORE_INDEX]
    settled = {name: _settled(model[name], in_files, name) for name in _HEADS if name in model}
    return {**model, **settled}


def _labels_ignored_in(train: Any) -> Iterator[int]:
    if isinstance(train, Mapping):
        parts = [train['source']] if 'source' in train else _without_pipeline(train)
        if 'ignore_index' in train:
            yield train['ignore_index']
        for part in parts:
            yield from _labels_ignored_in(part)
    elif isinstance(train, Sequence) and not isinstance(train, str):
        for part in train:
            yield from _labels_ignored_in(part)


def _without_pipeline(train: Mapping[str, Any]) -> list[Any]:
    return [value for key, value in train.items() if key != 'pipeline']


def _settled(cfg: Any, in_files: Sequence[int], where: str) -> Any:
    if isinstance(cfg, Mapping):
        given = cfg.get('ignore_index', IGNORE_INDEX)
        if given not in (IGNORE_INDEX, *in_files):
            raise UserError(
                f'model.{where}.ignore_index is {given}, but the training labels ignore '
                f'{", ".join(map(str, in_files))} (data.train, ignore_index): leave it out of the '
                'head, which sees 255 for every ignored pixel'
            )
        settled = {key: _settled(value, in_files, f'{where}.{key}') for key, value in cfg.items()}
        return {**settled, 'ignore_index': IGNORE_INDEX} if 'ignore_index' in cfg else settled
    if isinstance(cfg, list | tuple):
        return [_settled(value, in_files, f'{where}[{i}]') for i, value in enumerate(cfg)]
    return cfg
