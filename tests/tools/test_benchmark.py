import json
import sys

import pytest

from benchmarks.figures import summarize, table
from benchmarks.workloads import run_workload
from mmseg.utils.errors import UserError
from tests.apis.tiny import write_config
from tools import benchmark

QUICK = ['--warmups', '0', '--steps', '1', '--rounds', '1']


def run(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, 'argv', ['benchmark.py', *map(str, arguments), *QUICK])
    benchmark.main()
    return capsys.readouterr().out


@pytest.fixture
def in_this_process(monkeypatch):
    """Spare the time that a process of its own takes to start."""
    monkeypatch.setattr(benchmark, 'measure', lambda job: run_workload(job['workload'], job))


def test_summarize__takes_medians_and_the_highest_peak():
    runs = [
        {'seconds': [1.0, 2.0], 'memory': 3, 'images': 4},
        {'seconds': [2.0, 9.0], 'memory': 5, 'images': 4},
    ]
    summary = summarize(runs)
    assert (summary['milliseconds'], summary['memory']) == (2000, 5)
    assert summary['images_per_second'] == 2
    assert summary['milliseconds_range'] == [1000, 9000]


def test_table__ends_with_the_ratios_of_two_settings():
    one = summarize([{'seconds': [2.0], 'memory': 4, 'images': 1}])
    other = summarize([{'seconds': [3.0], 'memory': 2, 'images': 1}])
    lines = table({'one': one, 'other': other}).splitlines()
    assert lines[-2:] == [
        'other / one: 1.50 × the time, 0.50 × the memory',
        'one / other: 0.67 × the time, 2.00 × the memory',
    ]
    assert '2,000.0' in lines[1]


def test_benchmark__plugins_are_imported_where_a_setting_is_measured(
    monkeypatch, capsys, in_this_process, tmp_path
):
    asked = ['--plugins', 'dida_nowhere.parts']
    with pytest.raises(UserError, match=r'plug-in dida_nowhere\.parts, for --plugins, cannot be'):
        run(monkeypatch, capsys, 'loader', write_config(tmp_path), *asked)


def test_train__phases_memory_and_operations_against_the_naive_step(monkeypatch, capsys, tmp_path):
    config = write_config(tmp_path, uda=True)
    out = tmp_path / 'figures.json'
    arguments = ['train', config, '--random-data', '--size', 64, '--against', 'naive']
    loading = ['--options', 'data.workers_per_gpu=1', '--json', out]
    printed = run(monkeypatch, capsys, *arguments, *loading)
    assert f'naive / {config}:' in printed
    figures = json.loads(out.read_text())
    assert set(figures['ratios']) == {'milliseconds', 'memory'}
    for setting in figures['settings'].values():
        phases = {'data', 'teacher', 'source', 'mixed', 'instance', 'optimizer'}
        assert set(setting['phases']) == phases
        assert min(setting['phases'].values()) > 0
        assert setting['teraflops'] > 0


@pytest.mark.usefixtures('in_this_process')
def test_train__names_the_operators_that_take_the_time(monkeypatch, capsys, tmp_path):
    config = write_config(tmp_path, uda=True)
    out = tmp_path / 'figures.json'
    arguments = ['train', config, '--random-data', '--size', 64, '--profile', '--json', out]
    assert f'operators of {config}' in run(monkeypatch, capsys, *arguments)
    (setting,) = json.loads(out.read_text())['settings'].values()
    names, times, calls = zip(*setting['operators'], strict=True)
    assert {'aten::mkldnn_convolution', 'aten::convolution_backward'} & set(names)
    assert list(times) == sorted(times, reverse=True)
    assert min(calls) >= 1


@pytest.mark.usefixtures('in_this_process')
def test_loader__against_itself_with_an_option(monkeypatch, capsys, tmp_path):
    config = write_config(tmp_path, uda=True)
    changed = ['--against-options', 'data.samples_per_gpu=1']
    printed = run(monkeypatch, capsys, 'loader', config, *changed)
    assert f'{config} data.samples_per_gpu=1 / {config}:' in printed


@pytest.mark.usefixtures('in_this_process')
def test_test__against_the_naive_loop(monkeypatch, capsys, tmp_path):
    config = write_config(tmp_path)
    assert 'images/s' in run(monkeypatch, capsys, 'test', config, '--against', 'naive')


def test_instance_loss__in_processes_of_their_own_against_full_size_tensors(monkeypatch, capsys):
    sizes = ['--size', 32, '--entries', 5, '--channels', 8, '--batch', 1]
    arguments = ['instance-loss', *sizes, '--against', 'naive']
    assert 'naive / ours:' in run(monkeypatch, capsys, *arguments)


def test_jobs__configs_of_one_name_keep_their_folders():
    arguments = ['train', 'a/x.py', '--options', 'seed=1', '--against', 'b/x.py']
    settings = benchmark.jobs(benchmark.parse_args(arguments))
    assert list(settings) == ['a/x.py', 'b/x.py']
    assert [job['config'] for job in settings.values()] == ['a/x.py', 'b/x.py']


def test_jobs__refuses_what_cannot_be_compared():
    for arguments in (
        ['train', 'a.py', '--against', 'a.py'],
        ['instance-loss', '--against', 'a.py'],
        ['instance-loss', '--steps', '0'],
    ):
        with pytest.raises(UserError):
            benchmark.jobs(benchmark.parse_args(arguments))


def test_benchmark__each_measurement_is_told_as_it_ends(monkeypatch, capsys):
    results = iter([{'seconds': [1.0], 'memory': 2, 'images': 1}])

    def measure(job):
        return next(results)

    monkeypatch.setattr(benchmark, 'measure', measure)
    arguments = ['encoders', 'mit_b0', 'pvt_v2_b0', *QUICK]
    monkeypatch.setattr(sys, 'argv', ['benchmark.py', *arguments])
    with pytest.raises(StopIteration):
        benchmark.main()
    assert capsys.readouterr().err == 'round 1 of 1: mit_b0: 1,000 ms, 2.00 GiB\n'
