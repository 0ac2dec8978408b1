"""Write docs/config.md: every key that a config may hold, from the code.

python tools/document_config.py
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmseg.apis.config_reference import reference
from mmseg.utils.cli import run_cli


def main() -> None:
    """Write it."""
    document = Path(__file__).resolve().parents[1] / 'docs/config.md'
    document.write_text(reference(), encoding='utf-8')


if __name__ == '__main__':
    run_cli(main)
