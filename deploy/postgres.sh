#!/usr/bin/env bash
# Runs PostgreSQL for the services: one database per service, an owner role and a read-only role.
#
# POSTGRES_PASSWORD and READER_PASSWORD are the passwords of these roles. It listens on port PORT of
# the address LISTEN_ON (127.0.0.1). The cluster is in /data, and is created on the first start.
set -euo pipefail
umask 077

readonly bin=/usr/lib/postgresql/15/bin data=/data/cluster

for name in POSTGRES_PASSWORD READER_PASSWORD PORT; do
    [[ ${!name:-} ]] || { echo "postgres.sh: set $name." >&2; exit 2; }
done
for password in "$POSTGRES_PASSWORD" "$READER_PASSWORD"; do
    [[ $password =~ ^[A-Za-z0-9._~-]+$ ]] || {
        echo "postgres.sh: a password may contain only letters, digits and ._~-." >&2; exit 2; }
done

single_user() { "$bin/postgres" --single -j -D "$data" postgres >/dev/null; }

if [[ ! -s $data/PG_VERSION ]]; then
    # Created next to its path and moved when complete: after a killed start it is created again.
    rm -rf "$data" "$data.new"
    "$bin/initdb" --pgdata="$data.new" --username=postgres --auth=scram-sha-256 \
        --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") --encoding=UTF8 --locale=C.UTF-8 >/dev/null
    # Containers of the same network may connect, if LISTEN_ON is reachable for them.
    echo 'host all all samenet scram-sha-256' >>"$data.new/pg_hba.conf"
    mv "$data.new" "$data"
fi

if [[ ! -e /data/has-databases ]]; then
    single_user <<SQL
DROP DATABASE IF EXISTS onboarding;

DROP DATABASE IF EXISTS cards;

DROP DATABASE IF EXISTS workflow;

DROP ROLE IF EXISTS services;

DROP ROLE IF EXISTS reader;

CREATE ROLE services LOGIN;

CREATE ROLE reader LOGIN IN ROLE pg_read_all_data;

CREATE DATABASE onboarding OWNER services;

CREATE DATABASE cards OWNER services;

CREATE DATABASE workflow OWNER services;

SQL
    touch /data/has-databases
fi

# On every start, so that a restart with other variables changes the passwords.
single_user <<SQL
ALTER ROLE services PASSWORD '$POSTGRES_PASSWORD';

ALTER ROLE reader PASSWORD '$READER_PASSWORD';

SQL

exec "$bin/postgres" -D "$data" -p "$PORT" \
    -c listen_addresses="${LISTEN_ON:-127.0.0.1}" -c unix_socket_directories=/tmp \
    -c password_encryption=scram-sha-256 -c max_connections=200
