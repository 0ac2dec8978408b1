"""Print a config as training sees it: bases merged in, options applied, keys checked.

python tools/print_config.py CONFIG [--options key=value …] [--explain KEY]
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmseg.apis import load_config
from mmseg.apis.config_explained import explain
from mmseg.apis.plugins import add_plugins_option
from mmseg.utils.cli import run_cli


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('config', help='a .py or .json config')
    parser.add_argument(
        '--options', nargs='+', default=[], metavar='KEY=VALUE', help='changes to the config'
    )
    parser.add_argument(
        '--explain', metavar='KEY', help='tell what a key is, its default, and what set it'
    )
    add_plugins_option(parser)
    return parser.parse_args()


def main() -> None:
    """Print the config, as Python, or what there is to say of one key."""
    args = parse_args()
    config = load_config(args.config, args.options, args.plugins)
    if args.explain is None:
        print(config.pretty_text)
    else:
        print(explain(config, args.explain, args.config, args.options))


if __name__ == '__main__':
    run_cli(main)
