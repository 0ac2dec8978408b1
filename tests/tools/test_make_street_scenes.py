import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from mmseg.utils.errors import UserError
from tools.make_street_scenes import draw_sheet, parse_size

TOOL = Path(__file__).parents[2] / 'tools/make_street_scenes.py'
NUMBERS = ('--num-source', '2', '--num-target', '3', '--num-val', '1', '--size', '64x48')


def make(folder, *options):
    """Run the tool from another folder, as a user may."""
    command = [sys.executable, str(TOOL), *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


def contents(root):
    return {path.relative_to(root): path.read_bytes() for path in root.rglob('*.png')}


def test_tool__two_processes_write_what_one_does(tmp_path):
    for nproc in ('1', '2'):
        done = make(tmp_path, nproc, *NUMBERS, '--nproc', nproc)
        assert done.returncode == 0, done.stderr
        lines = (done.stdout + done.stderr).replace('\r', '\n').splitlines()
        assert all(len(line) <= 120 for line in lines)
    one, two = contents(tmp_path / '1'), contents(tmp_path / '2')
    assert one == two and len(one) == 2 * (2 + 2 + 3 + 1)


def test_tool__another_size_in_the_same_folder_is_a_one_line_error(tmp_path):
    assert make(tmp_path, 'streets', *NUMBERS).returncode == 0
    done = make(tmp_path, 'streets', *NUMBERS[:-1], '96x48')
    assert done.returncode == 1
    assert done.stderr.startswith('error: ') and done.stderr.count('\n') == 1
    assert 'delete the folder' in done.stderr


def test_tool__needs_a_folder_or_a_sheet(tmp_path):
    done = make(tmp_path)
    assert done.returncode == 2 and 'ROOT or --sheet' in done.stderr


@pytest.mark.parametrize('text', ['512', '512x', 'ax2', '512x256x3', '-5x9'])
def test_parse_size__bad_text_is_named(text):
    with pytest.raises(UserError, match='such as 512x256'):
        parse_size(text)


def test_draw_sheet__shows_three_scenes_a_row(tmp_path):
    sheet = draw_sheet((64, 32), seed=0)
    assert sheet.shape == (6 * (32 + 6), 3 * (64 + 6), 3)
    assert cv2.imwrite(str(tmp_path / 'sheet.jpg'), sheet)
