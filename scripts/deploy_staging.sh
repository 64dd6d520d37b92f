#!/usr/bin/env bash
# Deploys the services to staging on this machine, with Docker or Podman.
#
# Builds the images, starts the stack or updates it replica by replica, waits until everything is
# ready, and verifies it with `run.py doctor` and `run.py e2e`. If any step fails, the previous version
# is restored:
#
#     ensure NAME   stop and rename NAME to NAME-before -> run the new NAME -> await NAME
#     success       remove all NAME-before
#     failure       remove the new NAME, rename NAME-before to NAME and start it, in reverse order
set -euo pipefail

usage() {
    cat <<'USAGE'
usage: scripts/deploy_staging.sh [--dry-run] [--image NAME] [--env NAME|FILE] [--state FOLDER]
                                 [--port-base N]

  --dry-run        print each command that would change something, and change nothing
  --image NAME     deploy this image of the services; do not build one
  --env NAME|FILE  environment for run.py doctor and run.py e2e (staging)
  --state FOLDER   folder for secrets and configuration (deploy/state)
  --port-base N    first of the loopback ports N to N+20 (18400)

variables:
  LISTEN                  address of the proxy (127.0.0.1:8443)
  DOMAIN                  hosts are staging-cards.DOMAIN etc. (fylle.ai)
  TLS_CERTIFICATE, TLS_KEY  PEM files; default: a certificate of a new CA
  CONTAINER_ENGINE        docker or podman, with arguments if needed; default: the installed one
  CONTAINER_BUILD_ARGS, CONTAINER_RUN_ARGS  additional arguments for a restricted machine
  SCRAPE_INTERVAL         of Prometheus (15s)
  READY_S                 time limit for a replica to become ready, in seconds (60)
  DEPLOYMENT              prefix of container and image names (trial-balance)
  HARNESS                 command for run.py (.venv/bin/python run.py)

exit codes: 0 deployed, 1 failed and the previous version is restored, 2 wrong command and nothing was
changed.
USAGE
}

exec 3>&1
say() { printf '%s\n' "$*" >&2; }
refuse() { say "deploy_staging.sh: $*"; exit 2; }

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
dry_run='' image='' env_name=staging state=$root/deploy/state port_base=18400

while (($#)); do
    case $1 in
    --help | -h) usage; exit 0 ;;
    --dry-run) dry_run=yes ;;
    --image | --env | --state | --port-base)
        [[ ${2:-} ]] || refuse "$1 wants a value; see --help."
        case $1 in
        --image) image=$2 ;;
        --env) env_name=$2 ;;
        --state) state=$(realpath -m -- "$2") ;;
        --port-base) port_base=$2 ;;
        esac
        shift ;;
    *) refuse "unknown argument $1; see --help." ;;
    esac
    shift
done

[[ $port_base =~ ^[0-9]{4,5}$ ]] || port_base=0
((port_base >= 1024 && port_base <= 65500)) ||
    refuse "--port-base must be a number from 1024 to 65500."
[[ $env_name != *.y*ml ]] || env_name=$(realpath -m -- "$env_name")
cd "$root"

readonly listen=${LISTEN:-127.0.0.1:8443} domain=${DOMAIN:-fylle.ai} ready_s=${READY_S:-60}
readonly prefix=${DEPLOYMENT:-trial-balance}
read -r -a harness <<<"${HARNESS:-.venv/bin/python run.py}"
read -r -a build_args <<<"${CONTAINER_BUILD_ARGS:-}"
read -r -a run_args <<<"${CONTAINER_RUN_ARGS:-}"

[[ ${TLS_CERTIFICATE:-} && ${TLS_KEY:-} || ! ${TLS_CERTIFICATE:-}${TLS_KEY:-} ]] ||
    refuse "TLS_CERTIFICATE and TLS_KEY go together: set both or none."

# --- requirements

find_engine() {
    if [[ ${CONTAINER_ENGINE:-} ]]; then
        read -r -a engine <<<"$CONTAINER_ENGINE"
        command -v "${engine[0]}" >/dev/null || refuse "CONTAINER_ENGINE: there is no ${engine[0]}."
    elif docker info >/dev/null 2>&1; then
        engine=(docker)
    elif command -v podman >/dev/null; then
        engine=(podman)
    elif [[ $dry_run ]]; then
        engine=(podman)
    else
        refuse "Docker does not run and Podman is not installed: install one (apt-get install podman)."
    fi
}

require_program() {
    command -v "$1" >/dev/null || refuse "there is no $1: install it (apt-get install $2)."
}

# run_or_print COMMAND...: run it or, in a dry run, print it.
run_or_print() {
    if [[ $dry_run ]]; then
        { printf 'would run:'; printf ' %q' "$@"; printf '\n'; } >&3
    else
        # a process that outlives this script must not hold the lock
        "$@" 9>&- 3>&-
    fi
}

query_engine() { [[ ! $dry_run ]] && "${engine[@]}" "$@" 2>/dev/null 9>&- 3>&-; }

find_engine
require_program python3 python3
require_program openssl openssl
require_program flock util-linux
[[ $dry_run || -x ${harness[0]} ]] || command -v "${harness[0]}" >/dev/null ||
    refuse "there is no ${harness[0]}: run make setup first."

# --- secrets, certificate, configuration

umask 077
secrets=(API_TOKEN SERVICE_TOKEN OPERATIONS_TOKEN ONBOARDING_PASSWORD CARDS_PASSWORD
    WORKFLOW_PASSWORD READER_PASSWORD)

prepare_state() {
    mkdir -p -- "$state" 2>/dev/null ||
        refuse "cannot create $state: choose another folder with --state."
    chmod 0700 "$state" # it may have existed with other permissions
    exec 9>"$state/lock"
    flock -n 9 || refuse "another deployment is running; wait until it has ended."
    if [[ ! -s $state/secrets ]]; then
        for name in "${secrets[@]}"; do printf '%s=%s\n' "$name" "$(openssl rand -hex 24)"; done \
            >"$state/secrets.new"
        mv "$state/secrets.new" "$state/secrets"
    fi
    # shellcheck disable=SC1091  # it was written here
    . "$state/secrets"
}

ports() {
    onboarding_1=$((port_base + 1)) cards_1=$((port_base + 2)) cards_2=$((port_base + 12))
    workflow_1=$((port_base + 3)) workflow_2=$((port_base + 13))
    prometheus=$((port_base + 4)) inside=$((port_base + 5)) postgres=$((port_base + 6))
}

hosts() { printf "staging-%s.$domain\n" onboarding cards workflow prometheus; }

make_certificate() {
    local tls=$state/tls names
    ca='' routes=''
    if [[ ${TLS_CERTIFICATE:-} ]]; then
        install -m 0644 -- "$TLS_CERTIFICATE" "$state/rendered/proxy/server.pem" ||
            refuse "cannot read TLS_CERTIFICATE."
        install -m 0644 -- "$TLS_KEY" "$state/rendered/proxy/server.key" ||
            refuse "cannot read TLS_KEY."
        return
    fi
    ca=$tls/ca.pem
    routes=$(hosts | sed "s/\$/=$listen/" | paste -sd ' ')
    names=$(hosts | sed 's/^/DNS:/' | paste -sd ,)
    # The certificate is valid for 90 days, and is renewed two weeks before it expires.
    if ! openssl x509 -checkend 1209600 -noout -in "$tls/server.pem" >/dev/null 2>&1 ||
        ! grep -qxF "$names" "$tls/names" 2>/dev/null; then
        rm -rf "$tls" && mkdir -p "$tls"
        local key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
        openssl req -x509 "${key[@]}" -keyout "$tls/ca.key" -out "$ca" -days 90 \
            -subj "/CN=A CA of $prefix" 2>/dev/null
        openssl req "${key[@]}" -keyout "$tls/server.key" -out "$tls/server.csr" \
            -subj "/CN=$prefix" 2>/dev/null
        openssl x509 -req -in "$tls/server.csr" -CA "$ca" -CAkey "$tls/ca.key" -CAcreateserial \
            -days 90 -extfile <(printf 'subjectAltName=%s\n' "$names") \
            -out "$tls/server.pem" 2>/dev/null
        printf '%s\n' "$names" >"$tls/names"
    fi
    install -m 0644 "$tls/server.pem" "$tls/server.key" "$state/rendered/proxy/"
}

render() {
    LISTEN=$listen INSIDE=127.0.0.1:$inside DOMAIN=$domain \
        ONBOARDING_REPLICAS=127.0.0.1:$onboarding_1 \
        CARDS_REPLICAS="127.0.0.1:$cards_1 127.0.0.1:$cards_2" \
        WORKFLOW_REPLICAS="127.0.0.1:$workflow_1 127.0.0.1:$workflow_2" \
        PROMETHEUS_ADDRESS=127.0.0.1:$prometheus OPERATIONS_TOKEN=$OPERATIONS_TOKEN \
        TLS_CERTIFICATE=/etc/deploy/server.pem TLS_KEY=/etc/deploy/server.key \
        SCRAPE_INTERVAL=${SCRAPE_INTERVAL:-15s} \
        RULES=$([[ -s $state/rendered/prometheus/rules.yaml ]] && echo /etc/deploy/rules.yaml) \
        python3 deploy/render.py "$state/rendered" &&
        mv "$state/rendered/nginx.conf" "$state/rendered/proxy/" &&
        mv "$state/rendered/prometheus.yaml" "$state/rendered/prometheus/"
}

prepare_configuration() {
    # One folder per container: the key of TLS and the operations token are the proxy's only.
    mkdir -p "$state/rendered/proxy" "$state/rendered/prometheus" "$state/environments"
    [[ ! -s deploy/prometheus/rules.yaml ]] ||
        install -m 0644 deploy/prometheus/rules.yaml "$state/rendered/prometheus/rules.yaml"
    make_certificate
    render || refuse "cannot write the configuration; see above."
    # Readable for the users in the containers, which mount these; $state itself stays closed.
    chmod 0755 "$state/rendered" "$state/rendered"/* && chmod 0644 "$state/rendered"/*/*
    write_environments
    write_harness_environment
}

write_environments() {
    local to=$state/environments name
    printf '%s\n' ONBOARDING_PASSWORD="$ONBOARDING_PASSWORD" CARDS_PASSWORD="$CARDS_PASSWORD" \
        WORKFLOW_PASSWORD="$WORKFLOW_PASSWORD" READER_PASSWORD="$READER_PASSWORD" \
        PORT="$postgres" >"$to/postgres"
    printf '%s\n' PORT="$prometheus" >"$to/prometheus"
    printf '%s\n' PORT="${listen##*:}" >"$to/proxy"
    for name in cards-1 cards-2 workflow-1 workflow-2 onboarding-1; do
        local service=${name%-*} port=${name/-/_}
        local password=${service^^}_PASSWORD
        printf '%s\n' API_TOKENS="$API_TOKEN" PORT="${!port}" SERVICE_VERSION="$version" \
            DATABASE_URL="postgresql://$service:${!password}@127.0.0.1:$postgres/$service" \
            >"$to/$name"
        if [[ $service == cards ]]; then
            printf '%s\n' SERVICE_TOKENS="$SERVICE_TOKEN" >>"$to/$name"
        else
            printf '%s\n' CARDS_TOKEN="$SERVICE_TOKEN" CARDS_URL="http://127.0.0.1:$inside" \
                >>"$to/$name"
        fi
    done
}

write_harness_environment() {
    local name
    {
        echo "STAGING_API_TOKEN=$API_TOKEN"
        echo "STAGING_OPERATIONS_TOKEN=$OPERATIONS_TOKEN"
        echo "STAGING_CA_FILE=$ca"
        echo "STAGING_CONNECT_TO=\"$routes\""
        for name in onboarding cards workflow; do
            echo "STAGING_${name^^}_DATABASE_URL=postgresql://reader:$READER_PASSWORD@127.0.0.1:$postgres/$name"
        done
    } >"$state/staging.env"
}

# --- images

build() { # build TARGET
    local tag=$prefix/$1
    run_or_print "${engine[@]}" build "${build_args[@]}" "${format[@]}" --quiet --target "$1" --tag "$tag" \
        --file deploy/Containerfile . >&2 ||
        { say "deploy_staging.sh: cannot build the image $tag; see above. Nothing was changed."; exit 1; }
}

image_id() { query_engine image inspect --format '{{.Id}}' "$1" || echo "$1"; }

build_images() {
    format=()
    [[ ${engine[0]} != *podman* ]] || format=(--format docker)
    local target
    for target in proxy prometheus postgres; do build "$target"; done
    if [[ $image ]]; then
        [[ $dry_run ]] || query_engine image inspect "$image" >/dev/null ||
            refuse "there is no image $image here: build or pull it first."
    else
        build services
        image=$prefix/services
    fi
}

# --- containers

rolled=()

exists() { query_engine container inspect "$1" >/dev/null; }
is_running() { [[ $(query_engine container inspect --format '{{.State.Running}}' "$1") == true ]]; }
label_of() { query_engine container inspect --format "{{index .Config.Labels \"$prefix.as\"}}" "$1"; }

# Restore the containers that an earlier deployment had set aside when it was killed.
recover() {
    local name
    for name in postgres cards-1 cards-2 workflow-1 workflow-2 onboarding-1 prometheus proxy; do
        if exists "$prefix-$name-before"; then
            say "an earlier deployment was cut off: putting $name back"
            put_back "$name"
        fi
    done
}

put_back() {
    local name=$prefix-$1
    query_engine rm --force "$name" >/dev/null || true
    if exists "$name-before"; then
        query_engine rename "$name-before" "$name" >/dev/null
        query_engine start "$name" >/dev/null
    fi
}

# ensure NAME IMAGE ARGUMENT...: make sure that a container of this image runs with these arguments.
# The label `as` is a hash of everything that went into it: if it is equal, nothing is done.
ensure() {
    local name=$1 of=$2 as id
    shift 2
    id=$(image_id "$of")
    as=$(printf '%s\n' "$id" "$name" "$@" "${run_args[*]}" "$(environment_of "$name")" \
        "$(configuration_of "$name")" | sha256sum | cut -d' ' -f1)
    if [[ ! $dry_run ]] && is_running "$prefix-$name" && [[ $(label_of "$prefix-$name") == "$as" ]]; then
        say "unchanged $name"
        return
    fi
    rolled+=("$name")
    if exists "$prefix-$name"; then
        say "rolling $name"
        run_or_print "${engine[@]}" stop --time 5 "$prefix-$name" >/dev/null
        run_or_print "${engine[@]}" rename "$prefix-$name" "$prefix-$name-before"
    else
        say "starting $name"
    fi
    run_or_print "${engine[@]}" run --detach --name "$prefix-$name" --label "$prefix.as=$as" \
        --label "$prefix.version=$version" --network host --read-only --tmpfs /tmp \
        --cap-drop ALL --security-opt no-new-privileges --restart unless-stopped \
        --env-file "$state/environments/$name" "${run_args[@]}" "${arguments[@]}" \
        "$id" "$@" >/dev/null || roll_back "$name could not be started"
    await "$name"
}

environment_of() { cat "$state/environments/$1" 2>/dev/null || true; }

configuration_of() {
    case $1 in
    proxy) cat "$state/rendered/proxy/nginx.conf" "$state/rendered/proxy/server.pem" 2>/dev/null ;;
    prometheus) cat "$state/rendered/prometheus/prometheus.yaml" "$state/rendered/prometheus/rules.yaml" 2>/dev/null ;;
    esac || true
}

# await NAME: wait until it is ready; roll back after READY_S or if it ends.
await() {
    [[ ! $dry_run ]] || return 0
    local deadline=$((SECONDS + ready_s)) ended=0
    until is_ready "$1"; do
        # A busy engine may fail to respond, and after a first exit the restart policy may start the
        # container again: it has ended only if it is not running in two checks, a second apart.
        if has_ended "$prefix-$1"; then
            ((++ended < 2)) || roll_back "$1 ended while starting ($(exit_reason "$1"))"
            sleep 1
        else
            ended=0
        fi
        ((SECONDS < deadline)) || roll_back "$1 was not ready within $ready_s s ($(exit_reason "$1"))"
        sleep 0.2
    done
}

has_ended() {
    [[ $(query_engine container inspect --format '{{.State.Status}}' "$1") =~ ^(exited|stopped|dead)$ ]]
}

# The exit code and the last line of the log.
exit_reason() {
    local code
    code=$(query_engine container inspect --format '{{.State.ExitCode}}' "$prefix-$1" || true)
    echo "exit code ${code:-unknown}: $("${engine[@]}" logs --tail 20 "$prefix-$1" 2>&1 |
        grep -v '^[[:space:]]*$' | tail -n 1 | cut -c1-300 || true)"
}

is_ready() {
    local port=${1/-/_}
    case $1 in
    postgres) listens "127.0.0.1:$postgres" ;;
    proxy) listens "$listen" ;;
    prometheus) responds "http://127.0.0.1:$prometheus/-/ready" ;;
    *) responds "http://127.0.0.1:${!port}/ready" ;;
    esac
}

responds() {
    python3 - "$1" <<'PYTHON' 2>/dev/null
import sys, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
sys.exit(opener.open(sys.argv[1], timeout=2).status != 200)
PYTHON
}

listens() {
    python3 - "${1%:*}" "${1##*:}" <<'PYTHON' 2>/dev/null
import socket, sys
socket.create_connection((sys.argv[1].strip("[]"), int(sys.argv[2])), timeout=2)
PYTHON
}

roll_back() {
    trap - INT TERM EXIT
    set +e
    say "deploy_staging.sh: $1"
    local number name had_before=''
    for ((number = ${#rolled[@]} - 1; number >= 0; number--)); do
        name=${rolled[number]}
        exists "$prefix-$name-before" && had_before=yes
        say "rolling $name back"
        put_back "$name"
    done
    for name in "${rolled[@]}"; do
        local deadline=$((SECONDS + ready_s))
        while exists "$prefix-$name" && ! is_ready "$name" && ((SECONDS < deadline)); do sleep 0.2; done
    done
    if [[ $had_before ]]; then
        say "deploy_staging.sh: rolled back: the version before serves again."
    else
        say "deploy_staging.sh: the new containers were removed; nothing else was changed."
    fi
    exit 1
}

remove_previous() {
    local name
    for name in "${rolled[@]}"; do query_engine rm --force "$prefix-$name-before" >/dev/null || true; done
}

start_all() {
    local name port
    arguments=(--volume "$prefix-postgres:/data")
    ensure postgres "$prefix/postgres"
    # Cards first, because the others call it; each replica only after the previous one is ready.
    arguments=()
    for name in cards-1 cards-2 workflow-1 workflow-2 onboarding-1; do
        port=${name/-/_}
        ensure "$name" "$image" "${name%-*}" --port "${!port}"
        [[ $name != cards-2 ]] || { arguments=(--volume "$state/rendered/proxy:/etc/deploy:ro"); ensure proxy "$prefix/proxy"; arguments=(); }
    done
    arguments=(--volume "$prefix-samples:/data" --volume "$state/rendered/prometheus:/etc/deploy:ro")
    ensure prometheus "$prefix/prometheus" --web.listen-address="127.0.0.1:$prometheus"
}

# --- verification

verify() {
    if [[ $dry_run ]]; then
        run_or_print "${harness[@]}" doctor --env "$env_name"
        run_or_print "${harness[@]}" e2e --env "$env_name"
        return
    fi
    set -a
    # shellcheck disable=SC1091  # it was written here
    . "$state/staging.env"
    set +a
    await_scrapes
    "${harness[@]}" doctor --env "$env_name" || roll_back "the doctor found the problems listed above"
    "${harness[@]}" e2e --env "$env_name" || roll_back "run.py e2e did not pass; see its report"
}

# A Prometheus that has just started has not scraped every target yet.
await_scrapes() {
    local deadline=$((SECONDS + ready_s))
    until "${harness[@]}" doctor --env "$env_name" >/dev/null 2>&1 || ((SECONDS >= deadline)); do
        sleep 1
    done
}

version=$(git describe --always --dirty 2>/dev/null || echo unknown)
[[ ! $image ]] || version=$image
ports
if [[ $dry_run ]]; then
    ca='' routes=''
else
    prepare_state
    recover
    trap 'roll_back "interrupted"' INT TERM
fi
build_images
if [[ ! $dry_run ]]; then
    prepare_configuration
    trap 'roll_back "unexpected error; see above"' EXIT
fi
start_all
verify
trap - EXIT
[[ $dry_run ]] || remove_previous
if [[ $dry_run ]]; then
    say "nothing was changed"
elif ((${#rolled[@]})); then
    say "deployed $version: ${rolled[*]} are new"
else
    say "deployed $version: nothing was to be changed"
fi
say "to verify it: set -a; . $state/staging.env; set +a; ${harness[*]} nightly --env $env_name"
