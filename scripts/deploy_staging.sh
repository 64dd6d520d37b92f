#!/usr/bin/env bash
# Deploys the services to staging, on this machine, with Docker or Podman.
#
# Builds the images, starts the stack or rolls it replica by replica, waits until all is ready, asks
# the doctor and drives the flow once; where any of that fails, what ran before is put back.
set -euo pipefail

usage() {
    cat <<'USAGE'
usage: scripts/deploy_staging.sh [--dry-run] [--image NAME] [--env NAME|FILE] [--state FOLDER]
                                 [--port-base N]

  --dry-run        say each command that would change anything, and change nothing
  --image NAME     deploy this image of the services instead of building one
  --env NAME|FILE  the environment that the doctor and the flow use (staging)
  --state FOLDER   where secrets and configuration are kept (deploy/state)
  --port-base N    the loopback ports N to N+20 are used (18400)

variables:
  LISTEN                  where the proxy listens (127.0.0.1:8443)
  DOMAIN                  hosts are staging-cards.DOMAIN and the like (fylle.ai)
  TLS_CERTIFICATE, TLS_KEY  PEM files; without them a CA of our own signs one
  CONTAINER_ENGINE        docker or podman, with arguments if need be; else the one that is there
  CONTAINER_BUILD_ARGS, CONTAINER_RUN_ARGS  further arguments for a restricted machine
  SCRAPE_INTERVAL         of Prometheus (15s)
  READY_S                 how long a replica may take to be ready, in seconds (60)
  DEPLOYMENT              what the containers' and images' names begin with (trial-balance)
  HARNESS                 how run.py is called (.venv/bin/python run.py)

exit codes: 0 deployed, 1 it failed and what ran before is back, 2 the command is wrong and nothing
was changed.
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
    refuse "--port-base is a number from 1024 to 65500."
[[ $env_name != *.y*ml ]] || env_name=$(realpath -m -- "$env_name")
cd "$root"

readonly listen=${LISTEN:-127.0.0.1:8443} domain=${DOMAIN:-fylle.ai} ready_s=${READY_S:-60}
readonly prefix=${DEPLOYMENT:-trial-balance}
read -r -a harness <<<"${HARNESS:-.venv/bin/python run.py}"
read -r -a build_args <<<"${CONTAINER_BUILD_ARGS:-}"
read -r -a run_args <<<"${CONTAINER_RUN_ARGS:-}"

[[ ${TLS_CERTIFICATE:-} && ${TLS_KEY:-} || ! ${TLS_CERTIFICATE:-}${TLS_KEY:-} ]] ||
    refuse "TLS_CERTIFICATE and TLS_KEY go together: set both or none."

# --- the machine

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
        refuse "there is neither a Docker that answers nor Podman: install one (apt-get install podman)."
    fi
}

need() { command -v "$1" >/dev/null || refuse "there is no $1: install it (apt-get install $2)."; }

# does COMMAND...: run it, or say it.
does() {
    if [[ $dry_run ]]; then
        { printf 'would run:'; printf ' %q' "$@"; printf '\n'; } >&3
    else
        # what lives on must not hold the lock
        "$@" 9>&- 3>&-
    fi
}

ask() { [[ ! $dry_run ]] && "${engine[@]}" "$@" 2>/dev/null 9>&- 3>&-; }

find_engine
need python3 python3
need openssl openssl
need flock util-linux
[[ $dry_run || -x ${harness[0]} ]] || command -v "${harness[0]}" >/dev/null ||
    refuse "there is no ${harness[0]}: run make setup first."

# --- secrets, certificate, configuration

umask 077
secrets=(API_TOKEN SERVICE_TOKEN OPERATIONS_TOKEN POSTGRES_PASSWORD READER_PASSWORD)

prepare_state() {
    mkdir -p -- "$state" 2>/dev/null ||
        refuse "$state cannot be made: name another folder with --state."
    chmod 0700 "$state" # also one that was there before
    exec 9>"$state/lock"
    flock -n 9 || refuse "another deployment is under way; wait for it."
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
    mkdir -p "$state/rendered"
    if [[ ${TLS_CERTIFICATE:-} ]]; then
        install -m 0644 -- "$TLS_CERTIFICATE" "$state/rendered/server.pem" ||
            refuse "TLS_CERTIFICATE cannot be read."
        install -m 0644 -- "$TLS_KEY" "$state/rendered/server.key" ||
            refuse "TLS_KEY cannot be read."
        return
    fi
    ca=$tls/ca.pem
    routes=$(hosts | sed "s/\$/=$listen/" | paste -sd ' ')
    names=$(hosts | sed 's/^/DNS:/' | paste -sd ,)
    # It lasts for a quarter of a year, and is made anew two weeks before its end.
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
    install -m 0644 "$tls/server.pem" "$tls/server.key" "$state/rendered/"
}

render() {
    LISTEN=$listen INSIDE=127.0.0.1:$inside DOMAIN=$domain \
        ONBOARDING_REPLICAS=127.0.0.1:$onboarding_1 \
        CARDS_REPLICAS="127.0.0.1:$cards_1 127.0.0.1:$cards_2" \
        WORKFLOW_REPLICAS="127.0.0.1:$workflow_1 127.0.0.1:$workflow_2" \
        PROMETHEUS_ADDRESS=127.0.0.1:$prometheus OPERATIONS_TOKEN=$OPERATIONS_TOKEN \
        TLS_CERTIFICATE=/etc/deploy/server.pem TLS_KEY=/etc/deploy/server.key \
        SCRAPE_INTERVAL=${SCRAPE_INTERVAL:-15s} \
        RULES=$([[ -s $state/rendered/rules.yaml ]] && echo /etc/deploy/rules.yaml) \
        python3 deploy/render.py "$state/rendered"
}

prepare_configuration() {
    mkdir -p "$state/rendered" "$state/environments"
    [[ ! -s deploy/prometheus/rules.yaml ]] ||
        install -m 0644 deploy/prometheus/rules.yaml "$state/rendered/rules.yaml"
    make_certificate
    render || refuse "the configuration cannot be written; see above."
    # Whoever may not enter $state reads nothing here; the containers' users see this folder alone.
    chmod 0755 "$state/rendered" && chmod 0644 "$state/rendered"/*
    write_environments
    write_harness_environment
}

write_environments() {
    local to=$state/environments name
    printf '%s\n' POSTGRES_PASSWORD="$POSTGRES_PASSWORD" READER_PASSWORD="$READER_PASSWORD" \
        PORT="$postgres" >"$to/postgres"
    printf '%s\n' PORT="$prometheus" >"$to/prometheus"
    printf '%s\n' PORT="${listen##*:}" >"$to/proxy"
    for name in cards-1 cards-2 workflow-1 workflow-2 onboarding-1; do
        local service=${name%-*} port=${name/-/_}
        printf '%s\n' API_TOKENS="$API_TOKEN" PORT="${!port}" SERVICE_VERSION="$version" \
            DATABASE_URL="postgresql://services:$POSTGRES_PASSWORD@127.0.0.1:$postgres/$service" \
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

build() { # build TARGET: say its image's id
    local tag=$prefix/$1
    does "${engine[@]}" build "${build_args[@]}" "${format[@]}" --quiet --target "$1" --tag "$tag" \
        --file deploy/Containerfile . >&2 ||
        { say "deploy_staging.sh: the image $tag cannot be built; see above. Nothing was changed."; exit 1; }
}

image_id() { ask image inspect --format '{{.Id}}' "$1" || echo "$1"; }

build_images() {
    format=()
    [[ ${engine[0]} != *podman* ]] || format=(--format docker)
    local target
    for target in proxy prometheus postgres; do build "$target"; done
    if [[ $image ]]; then
        [[ $dry_run ]] || ask image inspect "$image" >/dev/null ||
            refuse "there is no image $image here: build or pull it first."
    else
        build services
        image=$prefix/services
    fi
}

# --- containers

rolled=()

is_there() { ask container inspect "$1" >/dev/null; }
is_running() { [[ $(ask container inspect --format '{{.State.Running}}' "$1") == true ]]; }
label_of() { ask container inspect --format "{{index .Config.Labels \"$prefix.as\"}}" "$1"; }

# What an earlier deployment was killed over is put back before anything else.
recover() {
    local name
    for name in postgres cards-1 cards-2 workflow-1 workflow-2 onboarding-1 prometheus proxy; do
        if is_there "$prefix-$name-before"; then
            say "an earlier deployment was cut off: putting $name back"
            put_back "$name"
        fi
    done
}

put_back() {
    local name=$prefix-$1
    ask rm --force "$name" >/dev/null || true
    if is_there "$name-before"; then
        ask rename "$name-before" "$name" >/dev/null
        ask start "$name" >/dev/null
    fi
}

# ensure NAME IMAGE ARGUMENT...: have a container of this image and these arguments, and no other.
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
    if is_there "$prefix-$name"; then
        say "rolling $name"
        does "${engine[@]}" stop --time 5 "$prefix-$name" >/dev/null
        does "${engine[@]}" rename "$prefix-$name" "$prefix-$name-before"
    else
        say "starting $name"
    fi
    does "${engine[@]}" run --detach --name "$prefix-$name" --label "$prefix.as=$as" \
        --label "$prefix.version=$version" --network host --read-only --tmpfs /tmp \
        --cap-drop ALL --security-opt no-new-privileges --restart unless-stopped \
        --env-file "$state/environments/$name" "${run_args[@]}" "${arguments[@]}" \
        "$id" "$@" >/dev/null || roll_back "$name could not be started"
    await "$name"
}

environment_of() { cat "$state/environments/$1" 2>/dev/null || true; }

configuration_of() {
    case $1 in
    proxy) cat "$state/rendered/nginx.conf" "$state/rendered/server.pem" 2>/dev/null ;;
    prometheus) cat "$state/rendered/prometheus.yaml" "$state/rendered/rules.yaml" 2>/dev/null ;;
    esac || true
}

# await NAME: until it is ready, or its time is over.
await() {
    [[ ! $dry_run ]] || return 0
    local deadline=$((SECONDS + ready_s)) ended=0
    until is_ready "$1"; do
        # An engine that is busy may fail to answer, and a first end may be the last one of the
        # restart policy's: only what has ended at two looks, a second apart, has ended.
        if has_ended "$prefix-$1"; then
            ((++ended < 2)) || roll_back "$1 ended while starting ($(last_words "$1"))"
            sleep 1
        else
            ended=0
        fi
        ((SECONDS < deadline)) || roll_back "$1 was not ready within $ready_s s ($(last_words "$1"))"
        sleep 0.2
    done
}

has_ended() {
    [[ $(ask container inspect --format '{{.State.Status}}' "$1") =~ ^(exited|stopped|dead)$ ]]
}

# Its exit code, and the last line that says anything.
last_words() {
    local code
    code=$(ask container inspect --format '{{.State.ExitCode}}' "$prefix-$1" || true)
    echo "exit code ${code:-unknown}: $("${engine[@]}" logs --tail 20 "$prefix-$1" 2>&1 |
        grep -v '^[[:space:]]*$' | tail -n 1 | cut -c1-300 || true)"
}

is_ready() {
    local port=${1/-/_}
    case $1 in
    postgres) listens "127.0.0.1:$postgres" ;;
    proxy) listens "$listen" ;;
    prometheus) answers "http://127.0.0.1:$prometheus/-/ready" ;;
    *) answers "http://127.0.0.1:${!port}/ready" ;;
    esac
}

answers() {
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
        is_there "$prefix-$name-before" && had_before=yes
        say "rolling $name back"
        put_back "$name"
    done
    for name in "${rolled[@]}"; do
        local deadline=$((SECONDS + ready_s))
        while is_there "$prefix-$name" && ! is_ready "$name" && ((SECONDS < deadline)); do sleep 0.2; done
    done
    if [[ $had_before ]]; then
        say "deploy_staging.sh: rolled back: the version before serves again."
    else
        say "deploy_staging.sh: what was started anew was stopped again; nothing else was touched."
    fi
    exit 1
}

forget_before() {
    local name
    for name in "${rolled[@]}"; do ask rm --force "$prefix-$name-before" >/dev/null || true; done
}

start_all() {
    local config=(--volume "$state/rendered:/etc/deploy:ro") name port
    arguments=(--volume "$prefix-postgres:/data")
    ensure postgres "$prefix/postgres"
    # Cards before who calls it; a replica only after the one before is ready.
    arguments=()
    for name in cards-1 cards-2 workflow-1 workflow-2 onboarding-1; do
        port=${name/-/_}
        ensure "$name" "$image" "${name%-*}" --port "${!port}"
        [[ $name != cards-2 ]] || { arguments=("${config[@]}"); ensure proxy "$prefix/proxy"; arguments=(); }
    done
    arguments=(--volume "$prefix-samples:/data" "${config[@]}")
    ensure prometheus "$prefix/prometheus" --web.listen-address="127.0.0.1:$prometheus"
}

# --- the proof

verify() {
    if [[ $dry_run ]]; then
        does "${harness[@]}" doctor --env "$env_name"
        does "${harness[@]}" e2e --env "$env_name"
        return
    fi
    set -a
    # shellcheck disable=SC1091  # it was written here
    . "$state/staging.env"
    set +a
    await_scrapes
    "${harness[@]}" doctor --env "$env_name" || roll_back "the doctor found what is listed above"
    "${harness[@]}" e2e --env "$env_name" || roll_back "the flow did not pass; its report has why"
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
    trap 'roll_back "it broke off; see above"' EXIT
fi
start_all
verify
trap - EXIT
[[ $dry_run ]] || forget_before
if [[ $dry_run ]]; then
    say "nothing was changed"
elif ((${#rolled[@]})); then
    say "deployed $version: ${rolled[*]} are new"
else
    say "deployed $version: nothing was to be changed"
fi
say "to look at it: set -a; . $state/staging.env; set +a; ${harness[*]} nightly --env $env_name"
