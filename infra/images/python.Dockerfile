# syntax=docker/dockerfile:1.7
# One image for every Python room: --build-arg PACKAGE=gateway, servers/crm, infra/sandbox/crm-api, …
# Built from the root of the repository; python.Dockerfile.dockerignore beside this file lets in what is needed.

# A tag can be moved: a release passes BASE=…@sha256:…, and Renovate proposes newer ones.
ARG BASE=docker.io/library/python:3.13.9-slim-trixie

FROM ${BASE} AS build
ARG PACKAGE
# packages of requirements.lock that the room calls without depending on them
ARG ALSO=""
ENV UV_LINK_MODE=copy PIP_CACHE_DIR=/cache/pip UV_CACHE_DIR=/cache/uv
WORKDIR /source
COPY infra/local/uv.txt infra/local/uv.txt
# pip.conf and uv.toml: your own package index, given as build secrets; neither is in a layer
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    --mount=type=cache,target=/cache/pip \
    python3 -m venv /build \
    && /build/bin/python -m pip install --disable-pip-version-check --require-hashes --only-binary :all: -r infra/local/uv.txt
COPY pyproject.toml requirements.lock ./
COPY shared shared
COPY gateway gateway
COPY servers servers
COPY infra infra
RUN --mount=type=secret,id=uv.toml,target=/etc/uv/uv.toml \
    --mount=type=cache,target=/cache/uv \
    PYTHONPATH=infra/images/src /build/bin/python -m in_image.build "${PACKAGE}" --into /app --reads /srv --also ${ALSO}

FROM ${BASE}
ARG PACKAGE
ARG BASE
ARG REVISION=unknown
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="${PACKAGE}" \
      org.opencontainers.image.description="A room of mcp-in-production" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="${BASE}" \
      sbom="/app/sbom.cdx.json"
# the user exists by name, since libraries ask whose home this is; a volume takes the owner of the folder it is put on
RUN groupadd --gid 10001 room \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin room \
    && install -d -o 10001 -g 10001 -m 0700 /var/lib/mcp \
    && find / -xdev -perm /6000 -type f -exec chmod ug-s {} +
COPY --from=build /app /app
COPY --from=build /srv /srv
ENV PATH=/app/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/nonexistent
USER 10001:10001
WORKDIR /srv
ENTRYPOINT ["/app/bin/python", "-m", "in_image.start"]
HEALTHCHECK --interval=10s --timeout=4s --start-period=30s --retries=3 \
    CMD ["/app/bin/python", "-m", "in_image.healthy"]
