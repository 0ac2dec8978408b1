import torch

from mmseg.core.deferred_numbers import DeferredLogBuffer, DeferredNumbers


class CountsReads(torch.Tensor):
    reads = 0

    def tolist(self):
        type(self).reads += 1
        return super().tolist()


def test_deferred_numbers__read_like_a_dict_of_floats():
    numbers = DeferredNumbers(['loss', 'accuracy'], torch.tensor([1.5, 50.0], requires_grad=True))
    assert numbers == {'loss': 1.5, 'accuracy': 50.0}
    assert list(numbers) == ['loss', 'accuracy'] and len(numbers) == 2
    assert isinstance(numbers['loss'], float)


def test_deferred_numbers__come_over_once_and_only_when_read():
    CountsReads.reads = 0
    numbers = DeferredNumbers(['loss', 'accuracy'], torch.ones(2).as_subclass(CountsReads))
    assert 'loss' in list(numbers) and CountsReads.reads == 0
    assert numbers['loss'] == numbers['accuracy'] == 1
    assert CountsReads.reads == 1


def test_log_buffer__reads_nothing_until_it_averages():
    CountsReads.reads = 0
    buffer = DeferredLogBuffer()
    for value in (1.0, 2.0, 6.0):
        buffer.update(DeferredNumbers(['loss'], torch.tensor([value]).as_subclass(CountsReads)), 2)
        buffer.update({'time': value})
    assert CountsReads.reads == 0
    buffer.average(2)
    assert buffer.output == {'loss': 4, 'time': 4}
    buffer.clear()
    buffer.update({'loss': 5.0})
    buffer.average()
    assert buffer.output == {'loss': 5}


def test_deferred_numbers__one_more_stands_after_the_others():
    numbers = DeferredNumbers(['loss', 'acc'], torch.tensor([1.5, 2.0]))
    more = numbers.plus('grad_norm', torch.tensor(3.0, dtype=torch.float64))
    assert dict(more) == {'loss': 1.5, 'acc': 2.0, 'grad_norm': 3.0}
    assert list(more) == ['loss', 'acc', 'grad_norm'] and dict(numbers) == {'loss': 1.5, 'acc': 2.0}
