import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from mmseg.core.argument_types import wrong_type


class Part:
    def __init__(
        self,
        ratio: float,
        size: Sequence[int] = (),
        name: str | None = None,
        count: int = None,  # noqa: RUF013 (published signatures leave None out)
        mode: bool = False,
        scale: int | Sequence[int] = 1,
        cfg: Mapping[str, Any] | None = None,
        anything: Any = None,
        **kwargs: Any,
    ) -> None: ...


@pytest.mark.parametrize(
    'arguments',
    [
        {'ratio': 1, 'size': [1, 2], 'name': 'x', 'count': None, 'mode': 1, 'scale': (2, 3)},
        {'ratio': np.float32(0.5), 'size': np.array([1, 2]), 'scale': np.int64(3)},
        {'ratio': 0.1, 'cfg': {'a': 1}, 'anything': object(), 'more': 'unknown'},
    ],
)
def test_wrong_type__values_that_do_are_taken(arguments):
    assert wrong_type(Part, arguments) is None


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({'ratio': 'much'}, "ratio: expected float, got 'much'"),
        ({'size': 'ab'}, 'size: expected .*Sequence'),
        ({'size': [1, 'b']}, 'size: expected'),
        ({'size': 3}, 'size: expected'),
        ({'name': 3}, 'name: expected str'),
        ({'count': 2.5}, 'count: expected int, got 2.5'),
        ({'scale': 'x'}, 'scale: expected int'),
        ({'cfg': [1]}, 'cfg: expected'),
        ({'mode': 'no'}, 'mode: expected bool'),
    ],
)
def test_wrong_type__names_the_argument(arguments, message):
    found = wrong_type(Part, arguments)
    assert found is not None
    assert re.match(message, found)


class Special(Part):
    def __init__(self, extra: int = 0, **kwargs: Any) -> None: ...


def test_wrong_type__arguments_of_base_classes_are_judged_too():
    assert wrong_type(Special, {'extra': 1, 'count': 'x'}) == "count: expected int, got 'x'"
