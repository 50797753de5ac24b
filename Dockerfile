# How does a checkout become a container?
#
#   docker build --build-arg REVISION="$(git rev-parse HEAD)" -t pointsman .
#   docker run --read-only --tmpfs /tmp -v ./fleet.yaml:/etc/pointsman/fleet.yaml:ro -p 8080:8080 pointsman
#
# docs/how-to/docker-and-compose.md has the rest. Bases are pinned by version; by digest where you build:
# --build-arg PYTHON=python:3.11.14-slim-bookworm@sha256:…

ARG NODE=node:20.19.5-bookworm
ARG PYTHON=python:3.11.14-slim-bookworm

FROM ${NODE} AS dashboard
WORKDIR /build
COPY ui ui
# Fails where the dashboard cannot be built: an image without it is none.
RUN python3 ui/build.py --must

FROM ${PYTHON} AS package
WORKDIR /build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY pyproject.toml hatch_build.py README.md LICENSE .gitignore ./
COPY deploy/constraints.txt deploy/constraints.txt
COPY ui ui
COPY src src
COPY --from=dashboard /build/src/pointsman/dashboard src/pointsman/dashboard
RUN python -m venv /opt/pointsman \
    && /opt/pointsman/bin/pip install --constraint deploy/constraints.txt '.[postgres,otel]' \
    && /opt/pointsman/bin/pip uninstall --yes pip setuptools

FROM ${PYTHON}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="pointsman" \
      org.opencontainers.image.description="An OpenAI-compatible gateway that chooses a model for every request and can say why" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# Whoever runs has no name to sign in by, no shell, and owns nothing but the data.
RUN groupadd --gid 10001 pointsman \
    && useradd --uid 10001 --gid 10001 --no-log-init --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin pointsman \
    && install --directory --owner=10001 --group=10001 --mode=0700 /var/lib/pointsman \
    && install --directory /etc/pointsman

COPY --from=package /opt/pointsman /opt/pointsman
ENV PATH=/opt/pointsman/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1

USER 10001:10001
WORKDIR /var/lib/pointsman
VOLUME /var/lib/pointsman
EXPOSE 8080

# As Kubernetes would ask: does it take requests? /livez only says that the process answers.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["/opt/pointsman/bin/python", "-I", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/readyz', timeout=2)"]

# Answers under way are finished first, within server.shutdown_grace_s; `docker stop` kills after 10 s
# unless it is told to wait longer (--time, stop_grace_period).
STOPSIGNAL SIGTERM
ENTRYPOINT ["pointsman"]
CMD ["serve", "/etc/pointsman/fleet.yaml", "--host", "0.0.0.0", "--port", "8080", "--data-dir", "/var/lib/pointsman", "--log-format", "json"]
