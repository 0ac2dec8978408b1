import pytest

from mmseg.utils.distinct_parts import distinct_parts


@pytest.mark.parametrize(
    ('names', 'expected'),
    [
        (['gta2cs_dida_mitb5_s0', 'gta2cs_source-only_mitb5_s0'], ['dida', 'source-only']),
        (['a_b', 'a_b'], ['a_b', 'a_b']),
        (['one'], ['one']),
        (['x_s0', 'x_long_s0'], ['s0', 'long_s0']),
    ],
)
def test_distinct_parts__leaves_out_what_all_share(names, expected):
    assert distinct_parts(names) == expected
