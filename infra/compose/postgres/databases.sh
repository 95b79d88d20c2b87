#!/bin/sh
# Makes the databases that are missing, and the issuer's login. Passwords are read from files, by the shell and by psql.
set -eu
PGPASSWORD="$(cat /run/secrets/postgres-superuser)"
export PGPASSWORD
exec psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --host postgres --username postgres --dbname postgres \
    --file /databases/databases.sql
