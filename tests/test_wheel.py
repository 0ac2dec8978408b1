"""What `pip install .` installs, and that it trains, tests and segments outside a checkout."""

import re

import pytest

from mmseg.utils.programs import PROGRAMS

from .wheel import files_of_checkout, names_in

SHIPPED = 'mmseg/_shipped/'
STREETS = '--num-source=4 --num-target=3 --num-val=2 --size=256x128 --layouts gta cityscapes'
SHORT = 'runner.max_iters=2 evaluation.interval=2 checkpoint_config.interval=2'


@pytest.fixture(scope='module')
def inside(wheel):
    """The names of the files in the wheel."""
    return names_in(wheel)


def test_wheel__holds_every_config_and_mapping(inside):
    configs = [file for file in files_of_checkout() if file.startswith('configs/')]
    assert len(configs) > 100
    assert {SHIPPED + file for file in configs} <= inside
    assert not [name for name in inside if 'configs/generated' in name]


def test_wheel__holds_every_program_and_what_they_read(inside):
    others = ['tools/train_options.py', 'tools/checkpoints.json', 'demo/demo.png', 'demo/web.css']
    others += ['embedding_cache/README.md', 'benchmarks/workloads.py']
    assert {SHIPPED + file for file in (*PROGRAMS.values(), *others)} <= inside


def test_wheel__holds_every_module_and_the_reports_page(inside):
    of_package = {file for file in files_of_checkout() if file.startswith('mmseg/')}
    assert of_package <= inside


def test_wheel__puts_nothing_but_one_package_beside_those_of_others(inside):
    tops = {name.partition('/')[0] for name in inside}
    assert {re.sub(r'-.*\.dist-info', '.dist-info', top) for top in tops} == {
        'mmseg',
        'dida.dist-info',
    }
    assert not [name for name in inside if re.search('tests|bootstrap|torch_builds', name)]


@pytest.mark.smoke
def test_installed__trains_tests_and_segments_in_an_empty_folder(installed):
    installed.run(f'dida make-street-scenes data/streets {STREETS}')
    installed.run('dida convert gta data/streets/gta')
    installed.run('dida convert cityscapes data/streets/cityscapes')
    told = installed.run('dida run --exp 0 --dry-run')
    (config,) = re.findall(r'configs/generated/\S+_dida_\S+\.json', told)
    train = f'dida train {config} --work-dir "my run" --options {SHORT}'
    assert '2/2 evaluated' in installed.run(train)

    refused = installed.run(train, expected_code=1)
    go_on = re.search(r'Go on with it: (.*?); replace it', refused)[1]
    assert go_on.startswith(f"dida train {config} --work-dir 'my run'")
    assert 'resumed' in installed.run(go_on)

    assert 'mIoU' in installed.run('dida test "my run" --teacher')
    installed.run('dida demo "my run/config.json" "my run/latest.pth" --out-dir seen')
    assert list((installed.place / 'seen').rglob('*.png'))
    written = {path.name for path in installed.place.iterdir()}
    assert written == {'configs', 'data', 'my run', 'seen'}


@pytest.mark.smoke
def test_installed__an_experiment_is_run_in_the_folder_that_one_stands_in(installed):
    told = installed.run('dida run --exp 0 --smoke')
    assert 'results in work_dirs/local-exp0-smoke/summary.json' in told
    assert (installed.place / 'work_dirs/local-exp0-smoke/summary.json').is_file()


@pytest.mark.smoke
def test_installed__configs_are_found_by_their_names_in_a_checkout(installed):
    text = installed.run('dida print-config configs/hrda/gtaHR2csHR_hrda.py')
    assert 'HRDAEncoderDecoder' in text
