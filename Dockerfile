# sapiens_mm without a GPU:
#
#   docker build --tag sapiens_mm .
#   docker run --rm --volume "$PWD:/work" --user "$(id -u):$(id -g)" sapiens_mm image photo.jpg
#
# With one (the host needs NVIDIA's container toolkit; then docker run --gpus all …):
#
#   docker build --tag sapiens_mm:cuda --build-arg TORCH=default \
#       --build-arg BASE=nvidia/cuda:12.8.1-base-ubuntu24.04 .
#
# The base may be any Linux with glibc and Python 3.10 to 3.13, or with apt to bring it.
ARG BASE=python:3.12-slim-bookworm
FROM ${BASE}

# cpu: PyTorch's own CPU wheels; default: what the index gives, for Linux the CUDA build,
# with its CUDA libraries in the wheels
ARG TORCH=cpu

RUN if ! command -v python3 >/dev/null; then \
        apt-get update \
        && apt-get install --yes --no-install-recommends python3 python3-venv \
        && rm -rf /var/lib/apt/lists/*; \
    fi

# a user without rights, and a home that any other --user may write to as well
RUN useradd --uid 10001 --home-dir /home/sapiens --no-create-home sapiens \
    && install --directory --mode 1777 /home/sapiens /work
# NUMBA_CACHE_DIR: kernels of the generator are kept beside its files otherwise, which
# belong to root
ENV HOME=/home/sapiens \
    NUMBA_CACHE_DIR=/home/sapiens/.cache/numba \
    PIP_NO_CACHE_DIR=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PATH=/opt/venv/bin:$PATH

WORKDIR /opt/sapiens_mm
COPY pyproject.toml setup.py MANIFEST.in README.md LICENSE ./
COPY requirements ./requirements
COPY tools ./tools
COPY demo ./demo
COPY configs ./configs
COPY sapiens_mm ./sapiens_mm
RUN python3 tools/bootstrap.py install --venv /opt/venv --torch ${TORCH} \
    && rm /opt/venv/bootstrap.log

USER sapiens
WORKDIR /work
# fails here, not at its first user: each package that a verb needs is imported
RUN sapiens --version \
    && python -m sapiens_mm --status \
    && python -c "import sapiens_mm, mmpose.apis, mmseg.apis, mmdet.apis, numba, av"
ENTRYPOINT ["sapiens"]
