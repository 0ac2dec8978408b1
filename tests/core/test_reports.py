from mmseg.core.reports import in_percent, metrics_table

METRICS = {
    'aAcc': 0.5,
    'mIoU': 0.25,
    'mAcc': 0.125,
    'mIoU13': 0.333333,
    'IoU.road': 0.25,
    'IoU.sky': float('nan'),
    'Acc.road': 1.0,
    'Acc.sky': float('nan'),
}


def test_in_percent__sorts_means_and_classes_and_drops_what_is_not_there():
    assert in_percent(METRICS) == {
        'mIoU': 25.0,
        'IoU': {'road': 25.0, 'sky': None},
        'extra': {'mIoU13': 33.33},
    }


def test_in_percent__without_an_evaluation_all_is_empty():
    assert in_percent(None) == {'mIoU': None, 'IoU': {}, 'extra': {}}


def test_metrics_table__one_line_per_class_then_the_means():
    rows = [line.split() for line in metrics_table(METRICS).splitlines()]
    assert rows[0] == ['class', 'IoU', 'Acc']
    assert rows[2:4] == [['road', '25.00', '100.00'], ['sky', '-', '-']]
    assert ['mIoU13', '33.33'] in rows and ['mIoU', '25.00'] in rows
    assert len(rows) == 2 + 2 + 1 + 4
