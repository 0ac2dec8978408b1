"""Makes the package installable; tools/bootstrap.sh sets up an environment for a checkout."""

from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).resolve().parent


def requirements(file: str) -> list[str]:
    """Return the requirements that a file holds, without its comments."""
    lines = [line.split('#')[0].strip() for line in (ROOT / file).read_text().splitlines()]
    return [line for line in lines if line]


DEV = requirements('requirements-dev.txt')

setup(
    name='dida',
    version='0.1.0',
    description='Dual-level interaction for domain adaptive semantic segmentation',
    license='Apache-2.0',
    python_requires='>=3.10',
    packages=find_packages(include=['mmseg', 'mmseg.*']),
    package_data={'mmseg.report': ['assets/*']},
    py_modules=['experiments'],
    install_requires=requirements('requirements.txt'),
    extras_require={
        'dev': DEV,
        'watch': ['tensorboard>=2.20,<3', 'wandb>=0.20,<1'],
        'onnx': [line for line in DEV if line.startswith('onnx')],
        'lora': [line for line in DEV if line.startswith('peft')],
        'coco': [line for line in DEV if line.startswith('pycocotools')],
        'docs': [line for line in DEV if line.startswith(('mkdocs', 'ruff'))],
        'web': [line for line in DEV if line.startswith('gradio')],
    },
)
