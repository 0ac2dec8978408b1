"""The paper's table of contents: what the experiment ids stand for.

python experiments.py --list    prints the ids, what each is, and how many runs it has
"""

import argparse

from mmseg.experiments.table import EXPERIMENTS, generate_experiment_cfgs
from mmseg.utils.cli import run_cli

__all__ = ['EXPERIMENTS', 'generate_experiment_cfgs']


def main() -> None:
    """Print the experiments."""
    parser = argparse.ArgumentParser(description='What the experiment ids stand for.')
    parser.add_argument('--list', action='store_true', required=True, help='print all experiments')
    parser.parse_args()
    print(f'{"id":>3}  {"runs":>4}  what it is')
    for id, experiment in EXPERIMENTS.items():
        print(f'{id:>3}  {len(experiment.runs):>4}  {experiment.title}')


if __name__ == '__main__':
    run_cli(main)
