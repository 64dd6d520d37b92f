#!/usr/bin/env bash
# Loads Onboarding, and shows in one small table how it went.
set -euo pipefail

usage() {
    cat <<'USAGE'
usage: scripts/load_test_onboarding.sh [--requests N] [--concurrency N] [--env NAME|FILE]
                                       [--runs FOLDER]

  --requests N     onboardings in all (100)
  --concurrency N  virtual users that make them (10)
  --env NAME|FILE  an environment in config/, or a YAML file (local)
  --runs FOLDER    where the run is written to (runs, in the project)

  HARNESS          how run.py is called, from the project's folder (.venv/bin/python run.py)

exit codes: those of run.py: 0 passed, 1 failed, 2 wrong command or configuration and nothing was
sent, 3 inconclusive (or run.py's answer could not be read).
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
        [[ ${2:-} ]] || refuse "$1 wants a value; see --help."
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

[[ $requests =~ ^[1-9][0-9]{0,6}$ ]] || refuse "--requests is a number from 1, not $requests."
[[ $concurrency =~ ^[1-9][0-9]{0,6}$ ]] || refuse "--concurrency is a number from 1, not $concurrency."
# Paths are meant from where one calls, and the harness is called from the project's folder.
[[ $env_name != *.y*ml ]] || env_name=$(realpath -m -- "$env_name")
runs=$(realpath -m -- "$runs")
cd -- "$root"
[[ -x .venv/bin/python ]] || refuse "the project is not set up: run make setup first."
# shellcheck source=scripts/attend.bash
source scripts/attend.bash

read -r -a harness <<<"${HARNESS:-.venv/bin/python run.py}"
answer=$(mktemp) || refuse "no temporary file can be made: set TMPDIR to a folder with space."
trap 'rm -f -- "$answer"' EXIT
code=0
attend "${harness[@]}" load --env "$env_name" --scenario onboarding_load --users "$concurrency" \
    --iterations "$requests" --runs "$runs" --json >"$answer" || code=$?
# What cannot be read has proven nothing.
.venv/bin/python -m reports.load_test "$answer" "$runs" || code=$((code ? code : 3))
exit "$code"
