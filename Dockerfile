# The CPU image, and with `--target small` one without torch. Builds with the legacy builder and with BuildKit.
#
#   docker build --target cpu -t bench-cpu .
#
# Build arguments for closed networks, none of which reaches the final stages:
#   BASE          another image with Python 3.13, Debian 12 or 13
#   PYTHON_INDEX  another index than PyPI
#   TORCH_INDEX   another index that has torch 2.7.1+cpu
#   EXTRA_CA      the name of a PEM file beside this one: certificates to trust while building
# A folder wheels/ beside this file, holding all wheels of the locks, makes the build ask no index at all.
ARG BASE=python:3.13.5-slim-bookworm@sha256:4c2cf9917bd1cbacc5e9b07320025bdb7cdf2df7b0ceaccb55e9dd7e30987419

# uv, by its own lock, and the steps of the build. Nothing of this stage is kept but what later stages copy from it.
FROM ${BASE} AS tools
ARG EXTRA_CA=extra-ca.pe[m]
ARG PYTHON_INDEX=
ENV SOURCE_DATE_EPOCH=1749686400 PYTHONPATH=/build PYTHONDONTWRITEBYTECODE=1
WORKDIR /build
COPY requirements/build.txt requirements/debian.lock /build/locks/
COPY requirements/build.txt ${EXTRA_CA} /build/ca/
COPY requirements/build.txt wheel[s] /build/wheels/
COPY bench/engine/images/inside/__init__.py bench/engine/images/inside/sources.py bench/engine/images/inside/bootstrap.py /build/inside/
RUN python3 -m inside.bootstrap

# The user, the allocators (present, loaded by nothing), the folders for volumes.
FROM tools AS overlay
ARG PYTHON_INDEX=
COPY bench/engine/images/inside/install.py bench/engine/images/inside/overlay.py /build/inside/
RUN python3 -m inside.overlay

# The supervisor with its bytecode. It lies where it will lie, since bytecode names its source.
FROM tools AS supervisor
COPY bench/agent /opt/bench/agent
COPY bench/engine/images/inside/install.py bench/engine/images/inside/supervisor.py /build/inside/
RUN python3 -m inside.supervisor

FROM tools AS venv-small
ARG PYTHON_INDEX=
COPY requirements/image-small.txt /build/choice/requirements.txt
COPY bench/engine/images/inside/install.py /build/inside/
RUN python3 -m inside.install

FROM ${BASE} AS small
COPY --from=overlay /build/overlay/ /
COPY --from=overlay --chown=10001:10001 /build/mounts/ /
COPY --from=venv-small /opt/bench/ /opt/bench/
COPY bench/diagnostics /opt/bench/diagnostics
COPY --from=supervisor /opt/bench/agent /opt/bench/agent
ENV PATH=/opt/bench/venv/bin:/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
WORKDIR /src
USER 10001:10001
ENTRYPOINT []
CMD ["/opt/bench/venv/bin/python"]

# Which torch: the CPU build where its index answers, else PyPI's build by its own lock. The stage leaves one lock.
FROM tools AS choice
ARG PYTHON_INDEX=
ARG TORCH_INDEX=
COPY requirements/image-cpu.txt requirements/image-pypi.txt /build/locks/
COPY bench/engine/images/inside/choose.py /build/inside/
RUN python3 -m inside.choose

# The same text as in Dockerfile.cuda: with the same lock, the engine builds and stores this layer once for both.
FROM tools AS venv
ARG PYTHON_INDEX=
ARG TORCH_INDEX=
COPY --from=choice /build/choice/ /build/choice/
COPY bench/engine/images/inside/install.py /build/inside/
RUN python3 -m inside.install

FROM ${BASE} AS cpu
COPY --from=overlay /build/overlay/ /
COPY --from=overlay --chown=10001:10001 /build/mounts/ /
COPY --from=venv /opt/bench/ /opt/bench/
COPY --from=choice /build/note/ /opt/bench/
COPY bench/diagnostics /opt/bench/diagnostics
COPY --from=supervisor /opt/bench/agent /opt/bench/agent
ENV PATH=/opt/bench/venv/bin:/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
WORKDIR /src
USER 10001:10001
ENTRYPOINT []
CMD ["/opt/bench/venv/bin/python"]
