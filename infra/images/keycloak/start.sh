#!/bin/bash
# Hands over secrets that are files, named like the variable each becomes, as in_image.start does; then
# becomes Keycloak: the server, or the command of kc.sh that is given.
set -euo pipefail
shopt -s nullglob
for file in /run/secrets/[A-Z]*; do
    name="${file##*/}"
    if [[ -v $name ]]; then
        echo "start: $name is in the environment and in /run/secrets; keep one" >&2
        exit 2
    fi
    export "$name=$(<"$file")"
done
[[ $# -gt 0 ]] || set -- start --optimized --import-realm
exec /opt/keycloak/bin/kc.sh "$@"
