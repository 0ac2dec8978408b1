# An image with the command `dida`, for a CPU:
#   docker build -t dida .
#   docker run --rm -v "$PWD:/work" dida run --exp 0
# For NVIDIA's GPUs: --build-arg TORCH_INDEX=https://pypi.org/simple to build, --gpus all to run.
FROM python:3.11-slim-bookworm

# What OpenCV loads.
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgl1 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/*
RUN pip install --no-cache-dir 'pip>=25.3'

WORKDIR /source
COPY requirements.txt requirements-dev.txt build-constraints.txt ./
# PyTorch without CUDA is a tenth as large.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
RUN pip install --no-cache-dir --index-url "$TORCH_INDEX" \
    'torch>=2.11,<2.16' 'torchvision>=0.26,<0.30'
RUN PIP_BUILD_CONSTRAINT=build-constraints.txt pip install --no-cache-dir -r requirements.txt

COPY LICENSE LICENSES.md MANIFEST.in pyproject.toml setup.py ./
COPY create_buffer.py experiments.py run_experiments.py ./
COPY benchmarks benchmarks
COPY configs configs
COPY demo demo
COPY embedding_cache embedding_cache
COPY mmseg mmseg
COPY tools tools
RUN pip install --no-cache-dir --no-deps .

# data/, pretrained/ and work_dirs/ of whoever runs it.
WORKDIR /work
RUN dida --version && dida experiments --list
ENTRYPOINT ["dida"]
CMD ["--help"]
