import pytest

from mmseg.models.ignored_label import settle_ignore_index
from mmseg.utils.errors import UserError

PIPELINE = [{'type': 'RandomCrop', 'ignore_index': 7}]


def model(ignored=None, **more):
    head = {'type': 'FCNHead', **({} if ignored is None else {'ignore_index': ignored})}
    return {'type': 'EncoderDecoder', 'decode_head': head, **more}


def data(ignored=None):
    own = {'type': 'CustomDataset', 'pipeline': PIPELINE}
    return own if ignored is None else {**own, 'ignore_index': ignored}


@pytest.mark.parametrize(
    ('head', 'train'),
    [
        (255, data()),
        (255, data(5)),
        (5, data(5)),
        (0, {'type': 'UDADataset', 'source': data(0), 'target': data()}),
        (254, {'type': 'RepeatDataset', 'dataset': data(254), 'times': 3}),
        (9, [data(9), data()]),
    ],
)
def test_settle__a_head_that_ignores_what_the_files_ignore_sees_255(head, train):
    settled = settle_ignore_index(model(head), train)
    assert settled['decode_head']['ignore_index'] == 255


@pytest.mark.parametrize(
    ('head', 'train', 'own'),
    [
        (5, data(), '255'),
        (0, data(5), '5'),
        (7, data(), '255'),  # what a crop leaves out is not what the files ignore
        (5, {'type': 'UDADataset', 'source': data(), 'target': data(5)}, '255'),
    ],
)
def test_settle__a_head_that_ignores_another_label_is_refused(head, train, own):
    with pytest.raises(UserError, match=f'decode_head.ignore_index is {head}, .* ignore {own} '):
        settle_ignore_index(model(head), train)


def test_settle__auxiliary_heads_and_losses_are_looked_at_too():
    loss = {'type': 'DiceLoss', 'ignore_index': 5}
    auxiliary = [{'type': 'FCNHead', 'ignore_index': 5, 'loss_decode': [loss]}]
    settled = settle_ignore_index(model(auxiliary_head=auxiliary), data(5))
    (head,) = settled['auxiliary_head']
    assert head['ignore_index'] == head['loss_decode'][0]['ignore_index'] == 255
    with pytest.raises(UserError, match=r'auxiliary_head\[0\].ignore_index is 5'):
        settle_ignore_index(model(auxiliary_head=auxiliary), data())


def test_settle__without_data_a_network_stays_as_it_is():
    assert settle_ignore_index(model(5), None) == model(5)
