"""Makes the package installable; tools/bootstrap.sh sets up an environment for a checkout."""

import os
import runpy
from collections.abc import Iterator
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
# What stands beside the package in a checkout and inside it, below this folder, once installed.
SHIPPED = 'mmseg/_shipped'
PATTERNS = (
    'benchmarks/*.py',
    'configs/**/*.py',
    'configs/**/*.json',
    'demo/*.*',
    'embedding_cache/*.md',
    'tools/*.json',
    'tools/**/*.py',
    'create_buffer.py',
    'experiments.py',
    'run_experiments.py',
)
# What runs write, and what only a checkout has a use for.
LEFT_OUT = (
    'configs/generated/',
    'tools/bootstrap.py',
    'tools/document_config.py',
    'tools/torch_builds.py',
)


def shipped() -> Iterator[str]:
    """Yield the files that go into the package, counted from this folder."""
    for pattern in PATTERNS:
        for path in sorted(ROOT.glob(pattern)):
            file = path.relative_to(ROOT).as_posix()
            if not file.startswith(LEFT_OUT):
                yield file


class BuildWithPrograms(build_py):
    """Builds the package with configs and programs inside; installed with -e, they stay outside."""

    def run(self) -> None:
        """Build."""
        super().run()
        if self.editable_mode:
            return
        for file in shipped():
            target = self._place_of(file)
            self.mkpath(os.path.dirname(target))
            self.copy_file(file, target)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """List what was built."""
        outputs = super().get_outputs(include_bytecode)
        return outputs if self.editable_mode else [*outputs, *map(self._place_of, shipped())]

    def get_source_files(self) -> list[str]:
        """List what a source distribution needs to build the same."""
        return [*super().get_source_files(), *shipped()]

    def _place_of(self, file: str) -> str:
        return os.path.join(self.build_lib, SHIPPED, file)


def requirements(file: str) -> list[str]:
    """Return the requirements that a file holds, without its comments."""
    lines = [line.split('#')[0].strip() for line in (ROOT / file).read_text().splitlines()]
    return [line for line in lines if line]


DEV = requirements('requirements-dev.txt')

setup(
    name='dida',
    version=runpy.run_path(str(ROOT / 'mmseg/version.py'))['__version__'],
    description='Dual-level interaction for domain adaptive semantic segmentation',
    license='Apache-2.0',
    python_requires='>=3.10',
    packages=['mmseg', *(f'mmseg.{name}' for name in find_packages('mmseg'))],
    package_data={'mmseg.report': ['assets/*']},
    cmdclass={'build_py': BuildWithPrograms},
    entry_points={'console_scripts': ['dida = mmseg.__main__:main']},
    install_requires=requirements('requirements.txt'),
    extras_require={
        'dev': DEV,
        'watch': ['tensorboard>=2.20,<3', 'wandb>=0.20,<1'],
        'lora': [line for line in DEV if line.startswith('peft')],
        'coco': [line for line in DEV if line.startswith('pycocotools')],
        'docs': [line for line in DEV if line.startswith(('mkdocs', 'ruff'))],
        'web': [line for line in DEV if line.startswith('gradio')],
    },
)
