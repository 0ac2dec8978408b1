import subprocess
import sys


def run(code: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)


def test_install__mmcv_is_silent_once_the_package_is_imported():
    done = run('import mmseg, mmcv; from mmcv.runner import HOOKS')
    assert done.stdout + done.stderr == ''


def test_package__importing_errors_costs_no_torch():
    done = run('import sys, mmseg, mmseg.utils.errors; print("torch" in sys.modules)')
    assert done.stdout.strip() == 'False'


def test_package__never_imports_the_compiled_operators_of_mmcv():
    done = run('import sys, mmseg.apis; print(any(m.startswith("mmcv.ops") for m in sys.modules))')
    assert done.stdout.strip() == 'False'
