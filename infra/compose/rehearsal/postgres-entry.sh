#!/bin/sh
# Does of the image's entry point what compose.yaml relies on.
set -eu
export PGDATA=/var/lib/postgresql/18/docker
if [ "$1" = postgres ]; then
    shift
    if [ ! -s "$PGDATA/PG_VERSION" ]; then
        mkdir -p "$PGDATA"
        # shellcheck disable=SC2086  # several words, as in the image
        initdb -D "$PGDATA" -U postgres --pwfile="$POSTGRES_PASSWORD_FILE" $POSTGRES_INITDB_ARGS
    fi
    exec postgres -c 'listen_addresses=*' -D "$PGDATA" "$@"
fi
exec "$@"
