#!/usr/bin/env bash
# PostgreSQL for the three services: a database each, one role that owns them, one that only reads.
#
# POSTGRES_PASSWORD and READER_PASSWORD are of these roles, PORT is where it listens, LISTEN_ON the
# address (127.0.0.1). Everything is kept in /data, and made there the first time.
set -euo pipefail
umask 077

readonly bin=/usr/lib/postgresql/15/bin data=/data/cluster

for name in POSTGRES_PASSWORD READER_PASSWORD PORT; do
    [[ ${!name:-} ]] || { echo "postgres.sh: set $name." >&2; exit 2; }
done
for password in "$POSTGRES_PASSWORD" "$READER_PASSWORD"; do
    [[ $password =~ ^[A-Za-z0-9._~-]+$ ]] || {
        echo "postgres.sh: a password is of letters, digits and ._~- only." >&2; exit 2; }
done

alone() { "$bin/postgres" --single -j -D "$data" postgres >/dev/null; }

if [[ ! -s $data/PG_VERSION ]]; then
    # Made beside its place, and moved there when it is whole: a start that was killed makes it anew.
    rm -rf "$data" "$data.new"
    "$bin/initdb" --pgdata="$data.new" --username=postgres --auth=scram-sha-256 \
        --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") --encoding=UTF8 --locale=C.UTF-8 >/dev/null
    # Containers of one network may come in, too, where LISTEN_ON lets them.
    echo 'host all all samenet scram-sha-256' >>"$data.new/pg_hba.conf"
    mv "$data.new" "$data"
fi

if [[ ! -e /data/has-databases ]]; then
    alone <<SQL
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

# At every start, so that a password can be changed by starting anew.
alone <<SQL
ALTER ROLE services PASSWORD '$POSTGRES_PASSWORD';

ALTER ROLE reader PASSWORD '$READER_PASSWORD';

SQL

exec "$bin/postgres" -D "$data" -p "$PORT" \
    -c listen_addresses="${LISTEN_ON:-127.0.0.1}" -c unix_socket_directories=/tmp \
    -c password_encryption=scram-sha-256 -c max_connections=200
