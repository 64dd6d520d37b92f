#!/usr/bin/env bash
# Runs a load test of Onboarding, and prints a table of the result.
set -euo pipefail

usage() {
    cat <<'USAGE'
usage: scripts/load_test_onboarding.sh [--requests N] [--concurrency N] [--env NAME|FILE]
                                       [--runs FOLDER]

  --requests N     total number of onboardings (100)
  --concurrency N  number of virtual users (10)
  --env NAME|FILE  an environment in config/, or a YAML file (local)
  --runs FOLDER    folder for the run (runs, in the project)

  HARNESS          command for run.py, in the project's folder (.venv/bin/python run.py)

exit codes: those of run.py: 0 passed, 1 failed, 2 wrong command or configuration, nothing was sent,
3 inconclusive, or the output of run.py cannot be read.
USAGE
}

refuse() { printf 'load_test_onboarding.sh: %s\n' "$*" >&2; exit 2; }

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
requests=100 concurrency=10 env_name=local runs=$root/runs

while (($#)); do
    case $1 in
    --help | -h) usage; exit 0 ;;
    --*=*) set -- "${1%%=*}" "${1#*=}" "${@:2}"; continue ;;
    --requests | --concurrency | --env | --runs)
        [[ ${2:-} ]] || refuse "$1 needs a value; see --help."
        case $1 in
        --requests) requests=$2 ;;
        --concurrency) concurrency=$2 ;;
        --env) env_name=$2 ;;
        --runs) runs=$2 ;;
        esac
        shift ;;
    *) refuse "unknown argument $1; see --help." ;;
    esac
    shift
done

[[ $requests =~ ^[1-9][0-9]{0,6}$ ]] || refuse "--requests must be a whole number from 1, not $requests."
[[ $concurrency =~ ^[1-9][0-9]{0,6}$ ]] || refuse "--concurrency must be a whole number from 1, not $concurrency."
# Paths are relative to the caller's folder, but run.py runs in the project's.
[[ $env_name != *.y*ml ]] || env_name=$(realpath -m -- "$env_name")
runs=$(realpath -m -- "$runs")
cd -- "$root"
[[ -x .venv/bin/python ]] || refuse "the project is not set up: run make setup first."
# shellcheck source=scripts/forward_signals.bash
source scripts/forward_signals.bash

read -r -a harness <<<"${HARNESS:-.venv/bin/python run.py}"
output=$(mktemp) || refuse "cannot create a temporary file: set TMPDIR to a folder with free space."
trap 'rm -f -- "$output"' EXIT
code=0
run_forwarding_signals "${harness[@]}" load --env "$env_name" --scenario onboarding_load --users "$concurrency" \
    --iterations "$requests" --runs "$runs" --json >"$output" || code=$?
# Output that cannot be read proves nothing: inconclusive, unless run.py reported an error.
.venv/bin/python -m commands.load_test "$output" "$runs" || code=$((code ? code : 3))
exit "$code"
