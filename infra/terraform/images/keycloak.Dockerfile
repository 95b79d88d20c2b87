# syntax=docker/dockerfile:1.7
# Keycloak for AWS: several tasks that know each other, with the realm and the database's certificates in the image.
# Built from the root of the repository; what REALM and CERTIFICATES name is made first, see ../README.md.

# A tag can be moved: a release passes BASE=…@sha256:…
ARG BASE=quay.io/keycloak/keycloak:26.7.5

FROM ${BASE} AS build
# the cache is shared between tasks, which find each other in the database
ENV KC_DB=postgres \
    KC_CACHE=ispn \
    KC_FEATURES=resource-indicators \
    KC_HEALTH_ENABLED=true \
    KC_METRICS_ENABLED=true
RUN ["/opt/keycloak/bin/kc.sh", "build"]

FROM ${BASE}
ARG BASE
ARG REALM=.run/release/realm.json
ARG CERTIFICATES=.run/release/database-ca.pem
LABEL org.opencontainers.image.title="keycloak" \
      org.opencontainers.image.description="Keycloak, built for Postgres and several tasks, with this company's realm" \
      org.opencontainers.image.base.name="${BASE}"
COPY --from=build --chown=10001:10001 /opt/keycloak/ /opt/keycloak/
COPY --chown=10001:10001 infra/images/keycloak/ /opt/keycloak/
COPY --chown=10001:10001 ${REALM} /opt/keycloak/data/import/mcp-realm.json
COPY --chown=10001:10001 ${CERTIFICATES} /opt/keycloak/conf/database-ca.pem
USER 0
# Fargate gives a volume the owner that its folder has here; the rest of the file system is read-only
RUN mkdir -p /opt/keycloak/data/tmp /var/scratch \
    && chown 10001:10001 /opt/keycloak/data/tmp /var/scratch \
    && chmod 0700 /opt/keycloak/data/tmp /var/scratch
VOLUME ["/opt/keycloak/data/tmp", "/var/scratch"]
ENV JAVA_OPTS_APPEND="-Djava.io.tmpdir=/var/scratch -Dvertx.cacheDirBase=/var/scratch/vertx"
USER 10001:10001
ENTRYPOINT ["/opt/keycloak/start.sh"]
