# syntax=docker/dockerfile:1.7
# Keycloak with its build step done, so that it starts on a read-only file system. Built from the root of the repository.

# A tag can be moved: a release passes BASE=…@sha256:…
ARG BASE=quay.io/keycloak/keycloak:26.7.5

FROM ${BASE} AS build
ENV KC_DB=postgres \
    KC_FEATURES=resource-indicators \
    KC_HEALTH_ENABLED=true \
    KC_METRICS_ENABLED=true
RUN ["/opt/keycloak/bin/kc.sh", "build"]

FROM ${BASE}
ARG BASE
LABEL org.opencontainers.image.title="keycloak" \
      org.opencontainers.image.description="Keycloak, built for Postgres with resource indicators" \
      org.opencontainers.image.base.name="${BASE}"
COPY --from=build /opt/keycloak/ /opt/keycloak/
COPY infra/images/keycloak/ /opt/keycloak/
USER 10001:0
ENTRYPOINT ["/opt/keycloak/start.sh"]
HEALTHCHECK --interval=10s --timeout=4s --start-period=180s --retries=6 CMD ["/opt/keycloak/healthy.sh"]
