# The first stage builds the site and a wheel with it, the second has what runs: `docker build --tag pychat .`

# By its digest, so that a build today and one next year begin with the same. For a newer one, with the security updates
# of Debian and Python since: `docker pull python:3.13-slim-bookworm` says its digest; or, without changing this file,
# `docker build --build-arg PYTHON=python:3.13-slim-bookworm@sha256:… --tag pychat .`
ARG PYTHON=python:3.13-slim-bookworm@sha256:01f42367a0a94ad4bc17111776fd66e3500c1d87c15bbd6055b7371d39c124fb

FROM ${PYTHON} AS build
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends make=4.3-4.1 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY Makefile pyproject.toml README.md LICENSE requirements.txt requirements-dev.txt requirements-node.txt server.py ./
COPY pychat pychat
COPY web web
RUN make wheel
# What is locked first, then pychat, which brings nothing else in.
RUN python -m venv /opt/pychat \
    && /opt/pychat/bin/pip install --quiet --no-cache-dir --require-hashes --requirement requirements.txt \
    && /opt/pychat/bin/pip install --quiet --no-cache-dir --no-deps build/wheel/*.whl

FROM ${PYTHON}
RUN groupadd --gid 10001 pychat \
    && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin pychat
COPY --from=build /opt/pychat /opt/pychat
# By its number, for only so can Kubernetes see that it is not root.
USER 10001:10001
ENV PYCHAT_HOST=0.0.0.0 PYCHAT_PORT=8000 PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["/opt/pychat/bin/python", "-c", \
    "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"PYCHAT_PORT\"]}/healthz', timeout=2)"]
ENTRYPOINT ["/opt/pychat/bin/pychat", "serve"]
