#!/usr/bin/env bash
# Runs PostgreSQL for the services: each service has a database and a role that owns only that one,
# and the role `reader` may read the counted tables.
#
# ONBOARDING_PASSWORD, CARDS_PASSWORD, WORKFLOW_PASSWORD and READER_PASSWORD are the passwords of
# these roles. The superuser has none and cannot connect. It listens on port PORT of the address
# LISTEN_ON (127.0.0.1). The cluster is in DATA (/data), and is created on the first start.
set -euo pipefail
umask 077

readonly bin=${POSTGRES_BIN:-/usr/lib/postgresql/15/bin} home=${DATA:-/data}
readonly data=$home/cluster services=(onboarding cards workflow)

# The tables that the harness counts in. No other one: the rest holds keys and users' texts.
declare -rA counted=([onboarding]=onboarding_sessions [cards]='cards card_usage'
    [workflow]=workflow_executions)

refuse() { echo "postgres.sh: $*" >&2; exit 2; }

for name in ONBOARDING_PASSWORD CARDS_PASSWORD WORKFLOW_PASSWORD READER_PASSWORD PORT; do
    [[ ${!name:-} ]] || refuse "set $name."
    [[ $name == PORT || ${!name} =~ ^[A-Za-z0-9._~-]+$ ]] ||
        refuse "a password may contain only letters, digits and ._~-."
done

# Each statement ends with an empty line, as the single-user mode wants it.
single_user() { "$bin/postgres" --single -j -D "$data" "$1" >/dev/null; }

if [[ ! -s $data/PG_VERSION ]]; then
    # Created next to its path and moved when complete: after a killed start it is created again.
    rm -rf "$data" "$data.new"
    "$bin/initdb" --pgdata="$data.new" --username=postgres --auth=reject \
        --encoding=UTF8 --locale=C.UTF-8 >/dev/null
    # Containers of the same network may connect, if LISTEN_ON is reachable for them.
    for name in "${services[@]}"; do
        for from in 127.0.0.1/32 ::1/128 samenet; do
            echo "host $name $name,reader $from scram-sha-256"
        done
    done >"$data.new/pg_hba.conf"
    mv "$data.new" "$data"
fi

if [[ ! -e $home/has-databases ]]; then
    {
        for name in "${services[@]}"; do printf 'DROP DATABASE IF EXISTS %s;\n\n' "$name"; done
        for name in "${services[@]}" reader; do
            printf 'DROP ROLE IF EXISTS %s;\n\n' "$name"
            printf 'CREATE ROLE %s LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION;\n\n' "$name"
        done
        for name in "${services[@]}"; do
            printf 'CREATE DATABASE %s OWNER %s;\n\n' "$name" "$name"
            printf 'REVOKE ALL ON DATABASE %s FROM PUBLIC;\n\n' "$name"
            printf 'GRANT CONNECT ON DATABASE %s TO reader;\n\n' "$name"
        done
        printf "ALTER ROLE reader SET statement_timeout = '30s';\n\n"
        printf 'ALTER ROLE reader SET default_transaction_read_only = on;\n\n'
    } | single_user postgres
    # A service creates its tables later. The trigger runs with the rights of that service.
    for name in "${services[@]}"; do
        single_user "$name" <<SQL
CREATE FUNCTION grant_counted() RETURNS event_trigger LANGUAGE plpgsql AS \$\$
DECLARE made record;
BEGIN
    FOR made IN SELECT * FROM pg_event_trigger_ddl_commands() WHERE command_tag = 'CREATE TABLE'
        AND object_identity = ANY (string_to_array('public.${counted[$name]// / public.}', ' '))
    LOOP
        EXECUTE 'GRANT SELECT ON ' || made.object_identity || ' TO reader';
    END LOOP;
END \$\$;

CREATE EVENT TRIGGER grant_counted ON ddl_command_end WHEN TAG IN ('CREATE TABLE')
    EXECUTE FUNCTION grant_counted();

SQL
    done
    touch "$home/has-databases"
fi

# On every start, so that a restart with other variables changes the passwords.
for name in "${services[@]}" reader; do
    password=${name^^}_PASSWORD
    printf "ALTER ROLE %s PASSWORD '%s';\n\n" "$name" "${!password}"
done | single_user postgres

exec "$bin/postgres" -D "$data" -p "$PORT" \
    -c listen_addresses="${LISTEN_ON:-127.0.0.1}" -c unix_socket_directories=/tmp \
    -c password_encryption=scram-sha-256 -c max_connections=200
