"""No shell is built from text, and nothing unpickles what it does not trust.

What configs have imported goes through `mmseg.apis.plugins`, which names it on the screen.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PLACES = ('*.py', 'mmseg/**/*.py', 'tools/**/*.py', 'benchmarks/**/*.py')
SOURCES = [path for place in PLACES for path in ROOT.glob(place)]
FORBIDDEN = {
    *('os.system', 'os.popen', 'subprocess.getoutput', 'subprocess.getstatusoutput'),
    *('eval', 'exec', 'pickle.load', 'pickle.loads', 'yaml.load', 'yaml.unsafe_load'),
}
UNPICKLES_ON_REQUEST = 'mmseg/core/checkpoint_reading.py'


def calls(path: Path) -> list[ast.Call]:
    tree = ast.parse(path.read_text(encoding='utf-8'))
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


@pytest.mark.parametrize('path', SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_sources__run_no_text_as_code(path):
    for call in calls(path):
        name = ast.unparse(call.func)
        keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        assert name not in FORBIDDEN, f'line {call.lineno}'
        assert keywords.get('shell', 'False') == 'False', f'line {call.lineno}'
        if name == 'torch.load' and str(path.relative_to(ROOT)) != UNPICKLES_ON_REQUEST:
            assert keywords.get('weights_only') == 'True', f'line {call.lineno}'
        if name.endswith('.fromfile') and name != 'np.fromfile':
            assert keywords.get('import_custom_modules') == 'False', f'line {call.lineno}'
        assert name != 'Config.fromstring', f'line {call.lineno}: it imports what the text names'
        if name == 'np.load':
            assert keywords.get('allow_pickle', 'False') == 'False', f'line {call.lineno}'
